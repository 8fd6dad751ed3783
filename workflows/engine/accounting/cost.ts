// Steps as they are billed, and what they cost at list price.
import type { Machine } from "../machine/state.ts";

/** List price in US dollars: per thousand steps, after a number of free ones in a month. */
export const STEP_PRICES = {
  internal: { dollarsPerThousand: 0.01, freePerMonth: 5_000 },
  external: { dollarsPerThousand: 0.025, freePerMonth: 2_000 },
} as const;

/** Steps of one or more executions. Assign steps are counted among the internal ones and shown beside them. */
export interface StepCount {
  readonly internal: number;
  readonly external: number;
  readonly assignments: number;
}

/** The steps of an execution so far. */
export function stepCount({ tally: { internal, external, assignments } }: Machine): StepCount {
  return { internal, external, assignments };
}

/** How often each step was entered: by routine and name, in the order of the file. */
export function stepVisits({
  program,
  tally,
}: Machine): { routine: string; step: string; line: number; visits: number }[] {
  return program.steps.flatMap(({ name, routine, span, anonymous }, index) =>
    anonymous ? [] : [{ routine, step: name, line: span.line, visits: tally.visits.get(index) ?? 0 }],
  );
}

/** US dollars for a month of `executions` like this one, the free steps taken off. */
export function monthlyCost(count: StepCount, executions: number): number {
  const charge = (kind: "internal" | "external"): number => {
    const { dollarsPerThousand, freePerMonth } = STEP_PRICES[kind];
    return (Math.max(0, count[kind] * executions - freePerMonth) / 1000) * dollarsPerThousand;
  };
  return charge("internal") + charge("external");
}
