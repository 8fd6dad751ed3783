// What people see of a pull request that is still open: a plan of its latest commit, and of no older one.
import { plan, type PlanState } from "../../shared/domain/plan.ts";
import type { FactOf } from "../../shared/domain/fact.ts";
import type { Developers } from "./developers.ts";
import type { Outside } from "./outside.ts";

/** All plans, folded. */
export function plansOf({ facts }: Outside): ReadonlyMap<string, PlanState> {
  const plans = new Map<string, PlanState>();
  for (const fact of facts) {
    if (!fact.type.startsWith("plan.")) continue;
    const known = plans.get(fact.subject) ?? plan.initial;
    plans.set(fact.subject, plan.evolve(known, fact as FactOf<"plan.requested">));
  }
  return plans;
}

/** What is wrong with the plans of open pull requests. */
export function openPlanProblems(outside: Outside, developers: Developers): readonly string[] {
  const plans = [...plansOf(outside).values()];
  return developers.open().flatMap(({ number, head, stacks }) =>
    stacks.flatMap((id) => {
      const its = plans.filter(
        ({ request }) => request?.pullRequest === number && request.stack === `stacks/${id}`,
      );
      const standing = its.filter(({ phase }) => phase !== "superseded");
      const heads = standing.map(({ request }) => request?.headCommit);
      if (heads.length === 1 && heads[0] === head) return [];
      return [`pull request ${number} at ${head} has plans of ${heads.join(", ") || "nothing"} on ${id}`];
    }),
  );
}
