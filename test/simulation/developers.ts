// Pull requests and merges by seed, and the code host's deliveries about them: late, repeated, and in any order.
import { createHash } from "node:crypto";
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import { type Callers, persist } from "./client.ts";

/** The repository of all stacks. */
export const REPOSITORY = "acme/platform";
const REPOSITORY_ID = 7;
/** How late a delivery may be, and how often it comes. */
const DELIVERY_LATE_MS_MAX = 6_000;
const DELIVERY_COPIES_MAX = 4;

/** Stacks of the simulated repository; the second waits for the first. */
export const STACKS = ["web", "db"] as const;
type StackId = (typeof STACKS)[number];

/** A merge as the default branch has it. */
export interface MergeRecord {
  readonly commit: string;
  readonly order: number;
  readonly stacks: readonly StackId[];
}

/** What the configuration says at one commit. */
export interface Settings {
  readonly webApprovals: number;
  readonly onInconclusive: "rollback" | "hold";
}

/** `.signalbox.yaml`. */
export function configuration({ webApprovals, onInconclusive }: Settings): string {
  return `version: 1
stacks:
  - { name: web, directory: stacks/web, approvals: ${webApprovals}, approveAlways: true }
  - { name: db, directory: stacks/db, approvals: 0, approveAlways: false, dependsOn: [web] }
endpoints:
  - name: ranker
    team: default
    serving:
      local: { command: [node, server.mjs], readiness: /healthz }
    standby: 20s
    rollout:
      onRegistered: queue
      onInconclusive: ${onInconclusive}
      steps: [5, 50]
      step: { minSeconds: 3, minRequests: 40 }
      timeLimit: 1m
      judge:
        window: 1s
        look: 1s
        scrape: 1s
        errors: { tolerance: 0.01, margin: 1.25, unacceptable: 2 }
`;
}

const resource = (name: string, value: string): string =>
  `resource "terraform_data" "${name}" {\n  input = "${value}"\n}\n`;

interface PullRequest {
  readonly number: number;
  head: string;
  readonly base: string;
  readonly stacks: readonly StackId[];
}

/** Developers, reviewers and the code host. */
export function createDevelopers(callers: Callers, settings: Settings) {
  const { git, random, clock, history, outside } = { ...callers.outside, outside: callers.outside };
  const first = git.commit({ files: { "README.md": "platform\n" } });
  const merges: MergeRecord[] = [];
  const open: PullRequest[] = [];
  const pending = new Set<Promise<unknown>>();
  const accepted = new Set<string>();
  let main = first;
  let now = settings;
  let numbers = 0;
  let deliveries = 0;

  const track = (work: Promise<unknown>): void => {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  };

  const deliverOnce = async (event: string, body: Uint8Array, guid: string, bodyHash: string) => {
    await clock.sleep(random.uniform() * DELIVERY_LATE_MS_MAX);
    const put = await persist(callers, "github", `delivers ${event} as ${guid}`, async (process) => {
      const receivedAt = clock.now().toISOString();
      const stored = await process.ports.receipts.put({ guid, event, bodyHash, body, receivedAt });
      void process.receiptQueue.sweep();
      return stored;
    });
    if (put === undefined) return;
    if (put.kind === "duplicate") history.mark("a delivery that came twice");
    accepted.add(put.kind === "duplicate" ? put.guid : guid);
  };
  const deliver = (event: string, payload: unknown): void => {
    const body = Buffer.from(JSON.stringify(payload));
    const bodyHash = `sha256:${createHash("sha256").update(event).update(body).digest("hex")}`;
    const copies = random.uniform() < 0.3 ? 1 + Math.floor(random.uniform() * DELIVERY_COPIES_MAX) : 1;
    const guid = `guid-${++deliveries}`;
    for (let copy = 0; copy < copies; copy++) {
      const own = copy > 0 && random.uniform() < 0.5 ? `${guid}-again-${copy}` : guid;
      track(deliverOnce(event, body, own, bodyHash));
    }
  };

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
    deliver("push", { ref: "refs/heads/main", before, after, repository, sender: { login: "ada" } });
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
    accepted,
    /** Resolves when nothing of theirs is under way. */
    busy: () => pending.size > 0,
    track,
    /** The first commit that says what the repository is. */
    begin(): void {
      const files = {
        ".signalbox.yaml": configuration(now),
        "stacks/web/main.tf": resource("a", "1"),
        "stacks/db/main.tf": resource("a", "1"),
      };
      const before = main;
      main = git.commit({ parent: main, files });
      pushed(before, main, STACKS);
    },
    openPull(): void {
      const stacks = random.pick<readonly StackId[]>([["web"], ["web"], ["db"], ["web", "db"]]);
      const number = ++numbers;
      const head = git.commit({ parent: main, files: filesFor(stacks, number), people: ["ada"] });
      const pull = { number, head, base: main, stacks };
      open.push(pull);
      deliver("pull_request", pullPayload(pull, "opened", main, null));
    },
    pushToPull(): void {
      const pull = open.at(-1);
      if (pull === undefined) return;
      pull.head = git.commit({
        parent: pull.head,
        files: filesFor(pull.stacks, pull.number),
        people: ["ada"],
      });
      deliver("pull_request", pullPayload(pull, "synchronize", pull.base, null));
    },
    mergePull(): void {
      const pull = open.shift();
      if (pull === undefined) return;
      const merged = git.mergeCommit(main, pull.head);
      if (merged === undefined) return;
      const before = main;
      main = merged;
      const base = random.uniform() < 0.5 ? before : pull.base;
      deliver("pull_request", pullPayload(pull, "closed", base, merged));
      pushed(before, merged, pull.stacks);
    },
    /** Someone changes how many people must approve, straight on the default branch. */
    reconfigure(): void {
      now = { ...now, webApprovals: 3 - now.webApprovals };
      const before = main;
      main = git.commit({ parent: main, files: { ".signalbox.yaml": configuration(now) } });
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
