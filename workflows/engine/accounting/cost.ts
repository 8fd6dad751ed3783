// Steps as they are billed, and what they cost at list price.
import type { Program } from "../compile/program.ts";
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
export function stepVisits(machine: Machine): Pick<StepBill, "routine" | "step" | "line" | "visits">[] {
  return stepBills(machine.program, [machine]).map(({ routine, step, line, visits }) => ({
    routine,
    step,
    line,
    visits,
  }));
}

/** What a step of the file was billed for, over an execution or several. */
export interface StepBill {
  readonly routine: string;
  readonly step: string;
  readonly line: number;
  /** How often it was entered. */
  readonly visits: number;
  readonly internal: number;
  readonly external: number;
}

/** What each step of one program was billed for, by routine and name, in the order of the file; unnamed bodies count to the step around them. */
export function stepBills(program: Program, machines: readonly Machine[]): StepBill[] {
  const total = (read: (tally: Machine["tally"]) => number | undefined): number =>
    machines.reduce((sum, { tally }) => sum + (read(tally) ?? 0), 0);
  const bills: StepBill[] = [];
  for (const [index, { name, routine, span, anonymous }] of program.steps.entries()) {
    const external = total(({ outside }) => outside.get(index));
    const internal = total(({ billed }) => billed.get(index)) - external;
    const before = bills.at(-1);
    if (!anonymous || before === undefined) {
      const visits = total((tally) => tally.visits.get(index));
      bills.push({ routine, step: name, line: span.line, visits, internal, external });
    } else {
      const home = bills.findLastIndex((bill) => bill.routine === routine && bill.step === name);
      const bill = bills[home] ?? before;
      bills[Math.max(home, 0)] = {
        ...bill,
        internal: bill.internal + internal,
        external: bill.external + external,
      };
    }
  }
  return bills;
}

/** US dollars for a month of `executions` like this one, the free steps taken off. */
export function monthlyCost(count: StepCount, executions: number): number {
  const charge = (kind: "internal" | "external"): number => {
    const { dollarsPerThousand, freePerMonth } = STEP_PRICES[kind];
    return (Math.max(0, count[kind] * executions - freePerMonth) / 1000) * dollarsPerThousand;
  };
  return charge("internal") + charge("external");
}
