// The plans of each pull request on each stack: the newest, which the merge looks for, and all that stand.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { ReadView } from "../../shared/runtime/project.ts";

/** A plan of a pull request that nothing newer has replaced. */
export interface StandingPlan {
  readonly plan: string;
  readonly head: string;
  /** When it was asked for: RFC 3339. */
  readonly time: string;
}

/** Plans of one pull request and stack that stand at a time; each push replaces what stood before. */
export const STANDING_PLANS_MAX = 50;

const COLLECTION = "plansByPullRequest";

/** Key under which the plans of a pull request's stack are found. */
export function pullRequestPlanKey(repository: string, pullRequest: number, stack: string): string {
  return `${repository}#${pullRequest}/${stack}`;
}

const standingOf = (document: ViewDocument | undefined): readonly StandingPlan[] =>
  (document?.["standing"] ?? []) as readonly StandingPlan[];

/** In one order, whoever came first. */
const ordered = (plans: readonly StandingPlan[]): readonly StandingPlan[] =>
  plans
    .toSorted((one, other) => (one.time + one.plan < other.time + other.plan ? -1 : 1))
    .slice(-STANDING_PLANS_MAX);

/** What a fact of a plan changes; `before` is the plan's document before it. */
export async function pullRequestPuts(
  fact: AnyFact,
  before: ViewDocument,
  read: ReadView,
): Promise<readonly ViewPut[]> {
  const { subject: plan, time } = fact;
  if (fact.type === "plan.requested") {
    const { repository, pullRequest, stack, phase, headCommit: head } = fact.data;
    if (pullRequest === undefined || phase === "merge") return [];
    const key = pullRequestPlanKey(repository, pullRequest, stack);
    const known = await read(COLLECTION, key);
    const newest = known !== undefined && String(known["time"]) > time ? known : { plan, time };
    const standing = ordered([...standingOf(known), { plan, head, time }]);
    return [{ collection: COLLECTION, key, document: { ...newest, standing } }];
  }
  const { repository, pullRequest, stack, phase } = before;
  if (fact.type !== "plan.superseded" || pullRequest === undefined || phase === "merge") return [];
  const key = pullRequestPlanKey(String(repository), Number(pullRequest), String(stack));
  const known = await read(COLLECTION, key);
  if (known === undefined) return [];
  const standing = standingOf(known).filter((each) => each.plan !== plan);
  return [{ collection: COLLECTION, key, document: { ...known, standing } }];
}
