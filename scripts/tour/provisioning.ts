// Chapters 1 and 2: a pull request becomes a plan, its merge becomes infrastructure.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { type Author, type Clone, copyInto, createRepository } from "./git.ts";
import { type PullRequest, deliver, pullRequestDelivery, pushDelivery } from "./github-delivery.ts";
import { type Answer, type Stage, TourError } from "./stage.ts";

/** The repository of the tour. */
export const REPOSITORY = { id: 7420, fullName: "acme/ml-platform", defaultBranch: "main" };
const ADA: Author = { name: "Ada", email: "ada@example.com" };
const NO_COMMIT = "0".repeat(40);
const STACKS = ["playground", "ranking"] as const;

/** The default branch before the pull request: policy and endpoint, no stacks yet. */
async function writeConfiguration(clone: Clone, example: string, withStacks: boolean): Promise<void> {
  const document = parseDocument(await readFile(join(example, ".signalbox.yaml"), "utf8"));
  if (!withStacks) document.delete("stacks");
  await writeFile(join(clone.folder, ".signalbox.yaml"), document.toString());
}

/** Makes the repository, pushes its first commit and waits until the endpoint is configured. */
export async function createPlatform(stage: Stage): Promise<Clone> {
  const { narrator } = stage;
  const clone = await createRepository(stage.bare, stage.work);
  await copyInto(clone, stage.example, ["serving", "data"]);
  await writeConfiguration(clone, stage.example, false);
  const first = await clone.commit(ADA, "Start the platform: policy and the ranker endpoint");
  await clone.git("push", "--quiet", "origin", "main");
  const { status } = await deliver(
    stage.url,
    stage.webhookSecret,
    pushDelivery(REPOSITORY, NO_COMMIT, first, "ada"),
  );
  narrator.say(`${REPOSITORY.fullName} is pushed; its signed \`push\` delivery is answered ${status}.`);
  await stage.until("the endpoint ranker is configured", () =>
    stage.find("/v1/teams/default/endpoints/ranker"),
  );
  narrator.say("The endpoint `ranker` is configured from .signalbox.yaml on the default branch.");
  return clone;
}

const planned = (plan: Answer): boolean => !["REQUESTED", "PLANNING"].includes(String(plan["state"]));

async function plansOf(stage: Stage, headSha: string): Promise<readonly Answer[]> {
  return stage.until("both stacks are planned", async () => {
    const lists = await Promise.all(STACKS.map((stack) => stage.list(`/v1/stacks/${stack}/plans`)));
    const plans = lists.flat().filter((plan) => plan["headCommit"] === headSha);
    return plans.length === STACKS.length && plans.every(planned) ? plans : undefined;
  });
}

function tellPlan({ narrator }: Stage, plan: Answer): void {
  if (plan["state"] === "FAILED") throw new TourError(`The plan failed: ${JSON.stringify(plan["failure"])}`);
  const counts = plan["counts"] as Record<string, number>;
  const words = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([action, count]) => `${count} to ${action}`);
  narrator.say(`The plan of ${String(plan["stack"])}: ${words.join(", ")}.`);
  for (const { action, address } of plan["changes"] as readonly { action: string; address: string }[])
    narrator.detail(`${action === "create" ? "+" : "~"} ${address}`);
  narrator.detail(String(plan["digest"]));
  narrator.detail(
    `${String(plan["approvalsRequired"])} approval needed (${String(plan["approvalReason"])}), by an operator who is not ada`,
  );
}

/** Pushes the branch, posts the delivery and tells the plans. */
export async function openPullRequest(
  stage: Stage,
  clone: Clone,
): Promise<{ readonly pull: PullRequest; readonly plans: readonly Answer[] }> {
  const { narrator } = stage;
  const baseSha = await clone.git("rev-parse", "main");
  await clone.git("checkout", "--quiet", "-b", "add-stacks");
  await copyInto(clone, stage.example, ["modules", "stacks"]);
  await writeConfiguration(clone, stage.example, true);
  const headSha = await clone.commit(ADA, "Add the playground and the ranking team's namespace");
  await clone.git("push", "--quiet", "origin", "add-stacks");
  const pull: PullRequest = {
    number: 1,
    title: "Add the playground and the ranking team's namespace",
    author: "ada",
    headRef: "add-stacks",
    headSha,
    baseSha,
    mergeCommitSha: null,
    merged: false,
  };
  const started = performance.now();
  const { status } = await deliver(
    stage.url,
    stage.webhookSecret,
    pullRequestDelivery(REPOSITORY, "opened", pull, "ada"),
  );
  narrator.say(`ada opens pull request #1; GitHub's \`pull_request\` delivery is answered ${status}.`);
  const plans = await plansOf(stage, headSha);
  await tellChecks(stage, headSha);
  for (const plan of plans) tellPlan(stage, plan);
  narrator.figure(
    "pull request → plans of 2 stacks",
    `${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return { pull, plans };
}

/** Looks at the pull request as a person would: the checks on its head. */
async function tellChecks(stage: Stage, commit: string): Promise<void> {
  const checks = await stage.until("the checks are on the pull request", async () => {
    const found = await stage.list(`/v1/repositories/${REPOSITORY.fullName}/checks?commit=${commit}`);
    const ready = found.filter(({ status }) => status === "completed");
    return ready.length === STACKS.length + 1 ? ready : undefined;
  });
  stage.narrator.say("Checks on the pull request:");
  for (const { name, conclusion, title } of checks)
    stage.narrator.detail(`${String(conclusion).padEnd(15)} ${String(name)}: ${String(title)}`);
}

async function approve(stage: Stage, plans: readonly Answer[]): Promise<void> {
  const own = await stage
    .post(`/v1/${String(plans[0]?.["name"])}:approve`, { digest: plans[0]?.["digest"] }, "ada")
    .then(
      () => "accepted",
      (error: unknown) => (/PERMISSION_DENIED/.test(String(error)) ? "refused" : String(error)),
    );
  if (own !== "refused") throw new TourError(`ada could approve her own change (${own})`);
  stage.narrator.say("ada tries to approve her own change and is refused.");
  for (const plan of plans) {
    if (Number(plan["approvalsRequired"]) > 0)
      await stage.post(`/v1/${String(plan["name"])}:approve`, { digest: plan["digest"] }, "grace");
  }
  stage.narrator.say("grace, an operator, approves both plans by their digests.");
}

async function tellApplies(stage: Stage): Promise<void> {
  for (const id of STACKS) {
    const stack = await stage.until(`stacks/${id} is applied`, async () => {
      const found = await stage.find(`/v1/stacks/${id}`);
      if (found?.["state"] === "APPLY_FAILED")
        throw new TourError(`The apply of stacks/${id} failed: ${JSON.stringify(found)}`);
      return found?.["state"] === "APPLIED" ? found : undefined;
    });
    stage.narrator.say(`stacks/${id} is applied: exactly the saved plan.`);
    for (const { name, sensitive, value } of stack["outputs"] as readonly {
      name: string;
      sensitive: boolean;
      value?: unknown;
    }[]) {
      stage.narrator.detail(`${name} = ${sensitive ? "(sensitive, not kept)" : JSON.stringify(value)}`);
    }
  }
}

/** Approves, merges, and waits until both stacks are applied. */
export async function mergePullRequest(
  stage: Stage,
  clone: Clone,
  opened: { readonly pull: PullRequest; readonly plans: readonly Answer[] },
): Promise<void> {
  const { narrator } = stage;
  await approve(stage, opened.plans);
  await clone.git("checkout", "--quiet", "main");
  await clone.git(
    "-c",
    "user.name=Grace",
    "-c",
    "user.email=grace@example.com",
    "merge",
    "--quiet",
    "--no-ff",
    "--message",
    "Merge pull request #1",
    "add-stacks",
  );
  const mergeCommitSha = await clone.git("rev-parse", "HEAD");
  await clone.git("push", "--quiet", "origin", "main");
  const started = performance.now();
  const merged: PullRequest = { ...opened.pull, merged: true, mergeCommitSha };
  await deliver(stage.url, stage.webhookSecret, pullRequestDelivery(REPOSITORY, "closed", merged, "grace"));
  await deliver(
    stage.url,
    stage.webhookSecret,
    pushDelivery(REPOSITORY, opened.pull.baseSha, mergeCommitSha, "grace"),
  );
  narrator.say("The pull request is merged; `closed` and `push` arrive, and count as one merge.");
  await tellApplies(stage);
  narrator.figure("merge → infrastructure applied", `${((performance.now() - started) / 1000).toFixed(1)} s`);
  const applies = (
    await Promise.all(STACKS.map((stack) => stage.list(`/v1/stacks/${stack}/applies`)))
  ).flat();
  if (applies.length !== STACKS.length)
    throw new TourError(`There were ${applies.length} applies of ${STACKS.length} stacks`);
  narrator.figure("applies for one merge of two stacks, two deliveries each", String(applies.length));
}
