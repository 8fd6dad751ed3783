// A backup of an installation in the middle of everything is a state from which it goes on.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { callCli } from "../cli/call-cli.ts";
import { configurationText, createDemoPlatform, ENDPOINT, versionName } from "../support/demo-platform.ts";
import {
  ALLOW_LOCAL_EXEC,
  appliesUntil,
  createGate,
  plainTerraform,
  STACK,
  UNATTENDED_STACK,
} from "../support/gated-stack.ts";
import { type InstallationProcess, startInstallationProcess } from "../support/installation-process.ts";
import { newStateFolder } from "../support/installation.ts";
import { endLeftovers } from "../support/leftovers.ts";
import { startLiveRequests } from "../support/live-requests.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";

const TIMEOUT_MS = 360_000;
const REQUESTS_PER_SECOND = 60;
const SITE = "stacks/site/main.tf";

const epochsOf = async ({ api }: InstallationProcess): Promise<readonly number[]> => {
  const facts = await api.list(`/v1/facts?subject=${ENDPOINT}&type=traffic.moved`);
  return facts.map(({ data }) => (data as { epoch: number }).epoch).toSorted((one, other) => one - other);
};

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}a backup during traffic, a rollout and an apply restores to an installation that goes on`,
  async () => {
    const state = newStateFolder();
    const away = `${state}-lost`;
    const backups = newStateFolder();
    let running = await startInstallationProcess({ state });
    onTestFinished(async () => {
      await running.kill();
      for (const folder of [state, away, backups]) {
        await endLeftovers(folder);
        rmSync(folder, { recursive: true, force: true });
      }
    });
    const gate = createGate(backups);
    const configuration = configurationText({
      stacks: UNATTENDED_STACK,
      allow: ALLOW_LOCAL_EXEC,
      minSeconds: 3,
    });
    const platform = await createDemoPlatform(
      { state, api: running.api, url: () => running.url, webhookSecret: running.webhookSecret },
      configuration,
      { [SITE]: plainTerraform("none") },
    );
    await platform.push({ [SITE]: plainTerraform("one") }, "Begin");
    const applies = (what: string, wanted: Parameters<typeof appliesUntil>[2]) =>
      appliesUntil(what, () => running.api, wanted);
    await applies("the first apply is finished", (all) => all.some((apply) => apply["state"] === "FINISHED"));
    const traffic = startLiveRequests(running.gatewayUrl, "ranker", REQUESTS_PER_SECOND);
    try {
      await platform.register("1");
      await running.api.awaits(
        "version 1 is promoted",
        `/v1/${ENDPOINT}`,
        ({ running: rollout, epoch }) => epoch === 1 && rollout === null,
      );
      await platform.push({ [SITE]: plainTerraform("one") + gate.terraform }, "Wait at the gate");
      await applies("an apply waits at the gate", () => gate.passed().begun > 0);
      await platform.register("2");
      await running.api.awaits(
        "version 2 has half of the traffic",
        `/v1/${ENDPOINT}`,
        ({ epoch }) => epoch === 2,
      );

      const taken = await callCli(["--state", state, "backup", join(backups, "monday.tar")]);
      expect([taken.code, taken.err]).toEqual([0, ""]);
      expect(statSync(join(backups, "monday.tar")).mode & 0o777).toBe(0o600);
      expect(readdirSync(backups).filter((name) => name.includes("partial"))).toEqual([]);
    } finally {
      await traffic.stop();
    }
    await running.kill();
    await endLeftovers(state);
    renameSync(state, away);

    const restored = await callCli(["--state", state, "restore", join(backups, "monday.tar")]);
    expect([restored.code, restored.err]).toEqual([0, ""]);
    expect(restored.out).toMatch(/apply-\S+ was on its way then and counts as interrupted/);
    // The developers' clone is no part of an installation: it was never lost.
    renameSync(join(away, "work"), join(state, "work"));
    running = await startInstallationProcess({ state });

    const again = startLiveRequests(running.gatewayUrl, "ranker", REQUESTS_PER_SECOND);
    try {
      const found = await running.api.awaits(
        "the rollout of version 2 has ended",
        `/v1/${ENDPOINT}`,
        ({ running: rollout, weights }) =>
          rollout === null && Object.values(weights as Record<string, number>).includes(100),
      );
      const serving = Object.entries(found["weights"] as Record<string, number>).filter(
        ([, percent]) => percent === 100,
      );
      expect([versionName("1"), versionName("2")]).toContain(serving[0]?.[0]);
    } finally {
      await again.stop();
    }
    const epochs = await epochsOf(running);
    expect(epochs).toEqual(epochs.map((_, index) => index + 1));
    expect(epochs.length).toBeGreaterThanOrEqual(3);
    await running.api.awaits(
      "the interrupted apply blocks its stack",
      `/v1/${STACK}`,
      ({ state: is }) => is === "BLOCKED",
    );
    gate.open();
    await running.api.post(
      `/v1/${STACK}:unblock`,
      { reason: "restored from a backup, looked at it" },
      "grace",
    );
    await platform.push({ [SITE]: plainTerraform("two") }, "Go on");
    await applies(
      "the next merge is applied",
      (all) => all.filter((apply) => apply["state"] === "FINISHED").length === 2,
    );
    expect(existsSync(join(state, "terraform", "site", "terraform.tfstate"))).toBe(true);
  },
  TIMEOUT_MS,
);
