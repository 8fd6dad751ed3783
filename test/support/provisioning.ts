// A provisioner on a real bare repository, with builds that end when the test says so.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createLocalChecks } from "../../shared/adapters/local/code-host-checks.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import type { CodeHostAccess } from "../../shared/ports/code-host-access.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { approvePlan } from "../../shared/runtime/stack-operations.ts";
import { createProvisioner } from "../../services/provisioner/provisioner.ts";
import { BUILD_LIMITS } from "../../services/provisioner/ports.ts";
import { type BuildsFake, createBuildsFake } from "./builds-fake.ts";
import { commitFiles, createRepository } from "./git-repository.ts";
import { createWorld } from "./world.ts";
import { delivery } from "../../shared/domain/delivery.ts";

/** The repository. */
export const REPOSITORY = "acme/platform";
/** Somebody who may approve. */
export const GRACE = { principal: "grace", codeHostLogins: ["grace"] };

/** A configuration. */
export const yaml = (stacks: string): string => `version: 1\nstacks:\n${stacks}`;
/** A stack. */
export const WEB = "  - { name: web, directory: stacks/web, approvals: 1 }\n";
/** A stack that depends on the other. */
export const DATABASE = "  - { name: database, directory: stacks/database, dependsOn: [web] }\n";
/** A resource of Terraform. */
export const resource = (name: string): string => `resource "terraform_data" "${name}" {}\n`;

/** Makes one. */
export function platform(access?: CodeHostAccess) {
  const root = mkdtempSync(join(tmpdir(), "signalbox-provisioner-"));
  const repository = createRepository(root, REPOSITORY);
  const path = process.env["PATH"] ?? "";
  const checks = createLocalChecks({ root });
  const codeHost = createLocalCodeHost({ root, path });
  let builds: BuildsFake | undefined;
  const cancelled: string[] = [];
  const world = createWorld({
    services: (ports) => {
      const fake = createBuildsFake(() => ports.clock.now());
      builds = { ...fake, cancel: async (id) => void cancelled.push(id) };
      const blobs = {
        put: () => Promise.reject(new Error("unused")),
        get: async () =>
          new TextEncoder().encode(
            '{"terraform_version":"1.11.4","resource_changes":[],"output_changes":{}}',
          ),
      };
      return [
        createProvisioner({
          ...ports,
          codeHost,
          checks,
          ...(access === undefined ? {} : { access }),
          builds,
          blobs,
          limits: BUILD_LIMITS,
          url: "http://127.0.0.1:0",
        }),
      ];
    },
  });
  onTestFinished(async () => {
    await world.close();
    rmSync(root, { recursive: true, force: true });
  });
  if (builds === undefined) throw new Error("the world made no services");
  let deliveries = 0;
  const deliver = async (data: Partial<FactData<"delivery.received">>): Promise<void> => {
    const guid = `d${++deliveries}`;
    const full: FactData<"delivery.received"> = {
      event: "pull_request",
      action: "opened",
      repository: REPOSITORY,
      sender: "ada",
      bodyHash: `sha256:${guid}`,
      ...data,
    };
    await world.record(delivery, {
      stream: `deliveries/${guid}`,
      cause: `github/${guid}`,
      input: { kind: "accepted", data: full },
    });
    await world.settle();
  };
  const pull = (
    base: string,
    head: string,
    more: Partial<NonNullable<FactData<"delivery.received">["pullRequest"]>> = {},
  ) => ({
    number: 7,
    author: "ada",
    headCommit: head,
    baseCommit: base,
    baseBranch: "main",
    merged: false,
    ...more,
  });
  const ends = async (kind: "plan" | "apply", result?: Parameters<BuildsFake["end"]>[1]): Promise<void> => {
    builds?.end(kind, result);
    await world.reconcile();
    await world.settle();
  };
  const approveAll = async (): Promise<void> => {
    for (const { document } of await world.views.list({ collection: "plans", limit: 50 })) {
      if (document["state"] !== "WAITING_FOR_APPROVAL") continue;
      await approvePlan(world, { plan: String(document["name"]), digest: String(document["digest"]) }, GRACE);
    }
    await world.settle();
  };
  return { world, repository, checks, builds, cancelled, deliver, pull, ends, approveAll };
}

/** What `platform` makes. */
export type Platform = ReturnType<typeof platform>;

/** States by stack. */
export const states = async (
  { world }: Platform,
  collection: string,
): Promise<Readonly<Record<string, unknown>>> => {
  const listed = await world.views.list({ collection, limit: 50 });
  return Object.fromEntries(listed.map(({ document }) => [String(document["stack"]), document["state"]]));
};

/** A base with one applied stack, and a branch that changes it. */
export async function existingStack(at: Platform): Promise<{ readonly base: string; readonly head: string }> {
  const first = commitFiles(at.repository, { files: { ".signalbox.yaml": "version: 1\n" } });
  const base = commitFiles(at.repository, {
    parent: first,
    files: { ".signalbox.yaml": yaml(WEB), "stacks/web/main.tf": resource("a") },
  });
  const head = commitFiles(at.repository, {
    parent: base,
    author: "ada",
    files: { "stacks/web/main.tf": resource("a") + resource("b") },
  });
  return { base, head };
}
