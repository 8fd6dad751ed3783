// A small platform in a repository of its own: an endpoint `ranker` that is served by the example's model server, and stacks.
import { cpSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clone, createRepository } from "../../scripts/tour/git.ts";
import { deliver, pullRequestDelivery, pushDelivery } from "../../scripts/tour/github-delivery.ts";
import { writeModel } from "../../scripts/tour/models.ts";
import type { Answer, Caller } from "./caller.ts";
import { ROOT } from "./source-files.ts";

/** The endpoint of the platform. */
export const ENDPOINT = "teams/default/endpoints/ranker";
/** The model that it serves. */
export const MODEL = "teams/default/models/ranker";
/** The repository. */
export const REPOSITORY = { id: 7_420, fullName: "acme/platform", defaultBranch: "main" };

const ADA = { name: "Ada", email: "ada@example.com" };
const NO_COMMIT = "0".repeat(40);

/** Full name of a version. */
export const versionName = (version: string): string => `${MODEL}/versions/${version}`;

/** What the platform is built on. */
export interface PlatformParts {
  readonly state: string;
  readonly url: () => string;
  readonly api: Caller;
  readonly webhookSecret: string;
}

/** How the example's model server behaves. */
export interface Behaviour {
  readonly errorRate?: number;
  readonly latencyMs?: number;
  readonly startupMs?: number;
  readonly neverReady?: boolean;
}

/** An opened pull request. */
export interface Opened {
  readonly number: number;
  readonly headSha: string;
  readonly baseSha: string;
  readonly branch: string;
}

/** The platform, and what its developers do with it. */
export interface DemoPlatform {
  readonly clone: Clone;
  /** Writes files, commits and pushes them to `main`, and delivers the push; answers the commit. */
  push(files: Readonly<Record<string, string>>, message: string): Promise<string>;
  /** Pushes a branch with these files and delivers the opened pull request. */
  openPullRequest(number: number, files: Readonly<Record<string, string>>): Promise<Opened>;
  /** Merges it and delivers `closed` and `push`; answers the merge commit. `sending` is told when `closed` leaves. */
  merge(opened: Opened, sending?: () => void): Promise<string>;
  /** Publishes a registered version. */
  register(version: string, behaviour?: Behaviour, digest?: string): Promise<Answer>;
  /** The newest rollout of a version. */
  rolloutOf(version: string): Promise<Answer | undefined>;
}

/** Text of `.signalbox.yaml` with the endpoint; quick steps unless a test says otherwise. */
export function configurationText(
  options: { readonly minSeconds?: number; readonly stacks?: string; readonly allow?: string } = {},
): string {
  return `version: 1
${options.allow ?? ""}
${options.stacks ?? ""}
endpoints:
  - name: ranker
    team: default
    serving:
      manifests: serving/ranker
      local: { command: [node, server.mjs], readiness: /healthz }
    standby: 30m
    rollout:
      steps: [50]
      step: { minSeconds: ${options.minSeconds ?? 1}, minRequests: 10 }
      timeLimit: 30m
      judge: { look: 500ms, scrape: 1s, window: 1s, errors: { tolerance: 0.05 } }
`;
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Makes the repository, pushes the configuration, and waits until the endpoint is configured. */
export async function createDemoPlatform(
  parts: PlatformParts,
  configuration = configurationText(),
  files: Readonly<Record<string, string>> = {},
): Promise<DemoPlatform> {
  const { state, api, webhookSecret } = parts;
  const clone = await createRepository(
    join(state, "repos", `${REPOSITORY.fullName}.git`),
    join(state, "work", "platform"),
  );
  let head = NO_COMMIT;

  const commitFiles = async (changed: Readonly<Record<string, string>>, message: string): Promise<string> => {
    await writeFiles(clone.folder, changed);
    return clone.commit(ADA, message);
  };
  const send = async (delivery: Parameters<typeof deliver>[2]): Promise<void> => {
    const { status } = await deliver(parts.url(), webhookSecret, delivery);
    if (status !== 202) throw new Error(`A delivery was answered ${status}.`);
  };
  const pushed = async (commit: string, by: string): Promise<string> => {
    await clone.git("push", "--quiet", "origin", "main");
    await send(pushDelivery(REPOSITORY, head, commit, by));
    head = commit;
    return commit;
  };
  const pullRequest = ({ number, headSha, baseSha, branch }: Opened, mergeCommitSha: string | null) => ({
    number,
    title: `Change number ${number}`,
    author: "ada",
    headRef: branch,
    headSha,
    baseSha,
    mergeCommitSha,
    merged: mergeCommitSha !== null,
  });

  const platform: DemoPlatform = {
    clone,
    push: async (changed, message) => pushed(await commitFiles(changed, message), "ada"),
    async openPullRequest(number, changed) {
      const baseSha = await clone.git("rev-parse", "main");
      const branch = `change-${number}`;
      await clone.git("checkout", "--quiet", "-b", branch, "main");
      const headSha = await commitFiles(changed, `Change number ${number}`);
      await clone.git("push", "--quiet", "origin", branch);
      await clone.git("checkout", "--quiet", "main");
      const opened = { number, headSha, baseSha, branch };
      await send(pullRequestDelivery(REPOSITORY, "opened", pullRequest(opened, null), "ada"));
      return opened;
    },
    async merge(opened, sending) {
      const identity = ["-c", "user.name=Grace", "-c", "user.email=grace@example.com"];
      await clone.git(...identity, "merge", "--quiet", "--no-ff", "-m", "Merge it", opened.branch);
      const commit = await clone.git("rev-parse", "HEAD");
      await clone.git("push", "--quiet", "origin", "main");
      sending?.();
      await send(pullRequestDelivery(REPOSITORY, "closed", pullRequest(opened, commit), "grace"));
      return pushed(commit, "grace");
    },
    async register(version, behaviour = {}, digest) {
      const artifact = await writeModel(join(state, "artifacts"), version, {
        errorRate: 0,
        latencyMs: 1,
        ...behaviour,
      });
      const type = "dev.signalbox.model-version.registered.v1";
      const { status, answer } = await api.call("POST", "/v1/events", {
        as: "ada",
        contentType: "application/cloudevents+json",
        body: {
          specversion: "1.0",
          id: `ranker-${version}`,
          source: "//training.example.com/ranker",
          type,
          datacontenttype: "application/json",
          data: {
            team: "default",
            model: "ranker",
            version,
            artifact: digest === undefined ? artifact : { ...artifact, digest },
            endpoint: ENDPOINT,
          },
        },
      });
      if (status >= 400) throw new Error(`Registering answered ${status}: ${JSON.stringify(answer)}`);
      return answer;
    },
    async rolloutOf(version) {
      const rollouts = await api.list(`/v1/${ENDPOINT}/rollouts`);
      return rollouts.filter((rollout) => rollout["modelVersion"] === versionName(version)).at(-1);
    },
  };
  cpSync(join(ROOT, "examples/platform/serving"), join(clone.folder, "serving"), { recursive: true });
  await platform.push({ ".signalbox.yaml": configuration, ...files }, "Start the platform");
  await api.awaits("the endpoint is configured", `/v1/${ENDPOINT}`, () => true);
  return platform;
}
