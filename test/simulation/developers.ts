// Pull requests and merges by seed, and the people who look after what comes of them.
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import { type Callers, persist } from "./client.ts";
import { configuration, type Settings } from "./configuration.ts";
import { createGitHub } from "./github.ts";
import { REPOSITORY } from "./outside.ts";

const REPOSITORY_ID = 7;

/** Stacks of the simulated repository; the second waits for the first. */
export const STACKS = ["web", "db"] as const;
type StackId = (typeof STACKS)[number];

/** A merge as the default branch has it. */
export interface MergeRecord {
  readonly commit: string;
  readonly order: number;
  readonly stacks: readonly StackId[];
}

const resource = (name: string, value: string): string =>
  `resource "terraform_data" "${name}" {\n  input = "${value}"\n}\n`;

const FIRST_FILES = {
  "stacks/web/main.tf": resource("a", "1"),
  "stacks/db/main.tf": resource("a", "1"),
};

/** A pull request as its author sees it. */
export interface PullRequest {
  readonly number: number;
  head: string;
  readonly base: string;
  readonly stacks: readonly StackId[];
}

/** Developers, reviewers and the code host. */
export function createDevelopers(callers: Callers, settings: Settings) {
  const { outside } = callers;
  const { git, random, history, shape } = outside;
  const first = git.commit({ files: { "README.md": "platform\n" } });
  const merges: MergeRecord[] = [];
  const open: PullRequest[] = [];
  const pending = new Set<Promise<unknown>>();
  let main = first;
  let now = settings;
  let numbers = 0;

  const track = (work: Promise<unknown>): void => {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  };

  const github = createGitHub(callers, track);

  const repository = { id: REPOSITORY_ID, full_name: REPOSITORY, default_branch: "main" };
  const pullPayload = (pull: PullRequest, action: string, base: string, mergeCommit: string | null) => ({
    action,
    number: pull.number,
    pull_request: {
      merged: mergeCommit !== null,
      merge_commit_sha: mergeCommit,
      user: { login: "ada" },
      head: { sha: pull.head, repo: { id: REPOSITORY_ID } },
      base: { sha: base, ref: "main" },
    },
    repository,
    sender: { login: "ada" },
  });
  const pushed = (before: string, after: string, stacks: readonly StackId[]): void => {
    merges.push({ commit: after, order: merges.length + 2, stacks });
    history.add("github", `main is ${after.slice(0, 8)} (${stacks.join(", ")})`);
    github.send("push", { ref: "refs/heads/main", before, after, repository, sender: { login: "ada" } });
  };
  const filesFor = (stacks: readonly StackId[], number: number): Record<string, string> =>
    Object.fromEntries(
      stacks.map((id) => [
        `stacks/${id}/pull-${number}.tf`,
        resource(`pull_${number}`, String(random.uniform())),
      ]),
    );

  return {
    merges,
    settings: () => now,
    github,
    /** Pull requests that were neither merged nor closed. */
    open: (): readonly PullRequest[] => open,
    /** Resolves when nothing of theirs is under way. */
    busy: () => pending.size > 0,
    track,
    /** The first commit that says what the repository is. */
    begin(): void {
      const files = {
        ".signalbox.yaml": configuration(now, shape),
        ...(shape.provisioning ? FIRST_FILES : {}),
      };
      const before = main;
      main = git.commit({ parent: main, files });
      pushed(before, main, shape.provisioning ? STACKS : []);
    },
    openPull(on?: readonly StackId[]): void {
      const stacks = on ?? random.pick<readonly StackId[]>([["web"], ["web"], ["db"], ["web", "db"]]);
      const number = ++numbers;
      const head = git.commit({ parent: main, files: filesFor(stacks, number), people: ["ada"] });
      const pull = { number, head, base: main, stacks };
      open.push(pull);
      github.send("pull_request", pullPayload(pull, "opened", main, null));
    },
    pushToPull(): void {
      const pull = open.at(-1);
      if (pull === undefined) return;
      pull.head = git.commit({
        parent: pull.head,
        files: filesFor(pull.stacks, pull.number),
        people: ["ada"],
      });
      github.send("pull_request", pullPayload(pull, "synchronize", pull.base, null));
    },
    mergePull(newest = false): void {
      const pull = newest ? open.pop() : open.shift();
      if (pull === undefined) return;
      const merged = git.mergeCommit(main, pull.head);
      if (merged === undefined) return;
      const before = main;
      main = merged;
      const base = random.uniform() < 0.5 ? before : pull.base;
      github.send("pull_request", pullPayload(pull, "closed", base, merged));
      pushed(before, merged, pull.stacks);
    },
    /** Someone changes how many people must approve, straight on the default branch. */
    reconfigure(): void {
      now = { ...now, webApprovals: 3 - now.webApprovals };
      const before = main;
      main = git.commit({ parent: main, files: { ".signalbox.yaml": configuration(now, shape) } });
      pushed(before, main, []);
    },
    /** Reviewers approve what waits, and look after blocked stacks. */
    async review(): Promise<void> {
      const plans = await outside.views.list({ collection: "plans", limit: 500 });
      for (const { key, document } of plans) {
        if (document["state"] !== "WAITING_FOR_APPROVAL") continue;
        const digest = String(document["digest"]);
        for (const principal of ["grace", "linus"]) {
          await persist(callers, principal, `approves ${key}`, ({ ports }) =>
            approvePlan(ports, { plan: key, digest }, { principal, codeHostLogins: [principal] }),
          );
        }
      }
      const stacks = await outside.views.list({ collection: "stacks", limit: 50 });
      for (const { key, document } of stacks) {
        if (document["state"] !== "BLOCKED") continue;
        await persist(callers, "grace", `unblocks ${key}`, ({ ports }) =>
          unblockStack(
            ports,
            { stack: key, reason: "looked" },
            { principal: "grace", codeHostLogins: ["grace"] },
          ),
        );
      }
    },
  };
}

/** The developers of a history. */
export type Developers = ReturnType<typeof createDevelopers>;
