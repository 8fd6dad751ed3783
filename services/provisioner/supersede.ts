// Of the plans of one pull request on one stack only that of its newest commit stands, in whatever order the deliveries came.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { plan, type PlanState } from "../../shared/domain/plan.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { pullRequestPlanKey, type StandingPlan } from "./view-of-pull-requests.ts";

type Request = NonNullable<PlanState["request"]>;

/** The last commit that two commits have in common; undefined when there is none, or when one of them is gone. */
async function mergeBaseOf(
  { codeHost }: ProvisionerPorts,
  repository: string,
  one: string,
  other: string,
): Promise<string | undefined> {
  try {
    return (await codeHost.history(repository, one, other)).mergeBase;
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** Whether the first plan is newer: made of a later commit, or, when neither commit contains the other, asked for later. */
async function isNewer(
  ports: ProvisionerPorts,
  repository: string,
  one: StandingPlan,
  other: StandingPlan,
): Promise<boolean> {
  if (one.head !== other.head) {
    const common = await mergeBaseOf(ports, repository, one.head, other.head);
    if (common === other.head) return true;
    if (common === one.head) return false;
  }
  return one.time > other.time || (one.time === other.time && one.plan > other.plan);
}

async function supersede(ports: ProvisionerPorts, older: string, newer: string): Promise<void> {
  await record(ports, plan, {
    stream: older,
    cause: `superseded/${newer}`,
    input: { kind: "supersede", by: newer, reason: "the pull request has changed" },
    actor: ACTOR,
  });
}

async function stands({ ledger }: ProvisionerPorts, name: string): Promise<boolean> {
  return (await load(ledger, plan, name)).state.phase !== "superseded";
}

/**
 * Compares a requested plan with the others of its pull request that stand, and supersedes the older of each two. Deliveries come
 * in any order, so the plan that was asked for last may well be the older one. Safe to repeat, also after a crash half-way.
 */
export async function supersedeOlderPlans(ports: ProvisionerPorts, name: string): Promise<void> {
  const { request } = (await load(ports.ledger, plan, name)).state;
  if (request === undefined || request.phase !== "pull-request" || request.pullRequest === undefined) return;
  const { repository, pullRequest, stack }: Request = request;
  const document = await ports.views.get(
    "plansByPullRequest",
    pullRequestPlanKey(repository, pullRequest, stack),
  );
  const standing = (document?.["standing"] ?? []) as readonly StandingPlan[];
  const mine = standing.find(({ plan }) => plan === name);
  if (mine === undefined) return;
  for (const other of standing) {
    if (other === mine || !(await stands(ports, name))) continue;
    if (await isNewer(ports, repository, mine, other)) await supersede(ports, other.plan, name);
    else if (await stands(ports, other.plan)) await supersede(ports, name, other.plan);
  }
}

/** Plans that stand and are listed at a time: those of all stacks of one pull request, or of a repository. */
export const STANDING_LISTED_MAX = 500;

/** Plans that stand of whatever has this prefix: `owner/name#12/`, or `owner/name#`. */
export async function standingPlans(
  ports: ProvisionerPorts,
  prefix: string,
): Promise<readonly StandingPlan[]> {
  const listed = await ports.views.list({
    collection: "plansByPullRequest",
    prefix,
    limit: STANDING_LISTED_MAX,
  });
  return listed.flatMap(({ document }) => (document["standing"] ?? []) as readonly StandingPlan[]);
}

/** Supersedes every plan that stands there, because nobody will merge it. */
export async function withdrawPlans(
  ports: ProvisionerPorts,
  prefix: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  for (const { plan: stream } of await standingPlans(ports, prefix)) {
    const input = { kind: "supersede", by, reason } as const;
    await record(ports, plan, { stream, cause: `superseded/${by}`, input, actor: ACTOR });
  }
}
