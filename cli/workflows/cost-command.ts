// `signalbox workflows cost`: billed steps and list price, over the cases of a workflow or one run.
import { existsSync } from "node:fs";
import {
  monthlyCost,
  STEP_PRICES,
  stepBills,
  stepCount,
  type Machine,
  type StepBill,
  type StepCount,
} from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import { formatTable } from "../table.ts";
import { caseFileOf, isCaseFile } from "./case-file.ts";
import { loadSuite, runSuite } from "./case-suite.ts";
import { runAsAsked, type RunFlags, type RunWorld } from "./run-command.ts";

/** How costs are asked for: the flags of a run measure a run instead of the cases. */
export interface CostFlags extends RunFlags {
  readonly cases?: string;
  readonly executions: number;
  readonly steps?: boolean;
  readonly json: boolean;
}

interface Measured {
  readonly name: string;
  readonly machine: Machine;
}

const MEASURES_A_RUN = ["args", "replay", "record", "virtualTime"] as const;

async function measure(path: string, flags: CostFlags, world: RunWorld): Promise<readonly Measured[]> {
  const casesPath = flags.cases ?? (isCaseFile(path) ? path : caseFileOf(path));
  const asksForRun = MEASURES_A_RUN.some((flag) => flags[flag] !== undefined);
  if (asksForRun && flags.cases === undefined) {
    const { machine } = await runAsAsked(path, flags, world);
    return [{ name: "this run", machine }];
  }
  if (!existsSync(casesPath))
    throw new CommandError(
      EXIT.notFound,
      `${casesPath} does not exist: write cases there, or measure a run with --args, --virtual-time or --replay.`,
    );
  const { results } = await runSuite(await loadSuite(path, casesPath));
  return results.flatMap(({ name, machine }) => (machine === undefined ? [] : [{ name, machine }]));
}

/** Dollars per execution before the free steps of a month are taken off. */
function listPrice({ internal, external }: Pick<StepCount, "internal" | "external">): number {
  const { internal: inside, external: outside } = STEP_PRICES;
  return (internal * inside.dollarsPerThousand + external * outside.dollarsPerThousand) / 1_000;
}

const dollars = (amount: number): string => `$${amount.toFixed(amount === 0 || amount >= 0.01 ? 2 : 6)}`;

interface Row extends StepCount {
  readonly name: string;
  readonly dollars: number;
  readonly monthDollars: number;
}

/** What each step was billed for, over everything that was measured. */
function billsOf(measured: readonly Measured[]): readonly StepBill[] {
  const machines = measured.map(({ machine }) => machine);
  const [first] = machines;
  return first === undefined ? [] : stepBills(first.program, machines);
}

/** Prints what each case or the run costs. */
export async function costOf(path: string, flags: CostFlags, world: RunWorld): Promise<void> {
  const measured = await measure(path, flags, world);
  const { executions } = flags;
  const rows: Row[] = measured.map(({ name, machine }) => {
    const count = stepCount(machine);
    return { name, ...count, dollars: listPrice(count), monthDollars: monthlyCost(count, executions) };
  });
  if (flags.json) {
    const prices = STEP_PRICES;
    const steps = flags.steps === true ? { steps: billsOf(measured) } : {};
    return world.write(`${JSON.stringify({ file: path, executions, prices, rows, ...steps }, null, 2)}\n`);
  }
  const table = formatTable(
    rows,
    [
      { heading: "case", value: ({ name }) => name },
      { heading: "internal", value: ({ internal }) => internal },
      { heading: "of these assign", value: ({ assignments }) => assignments },
      { heading: "external", value: ({ external }) => external },
      { heading: "one execution", value: (row) => dollars(row.dollars) },
      { heading: `${executions} a month`, value: (row) => dollars(row.monthDollars) },
    ],
    "No case was run.",
  );
  const note =
    `List price: $${STEP_PRICES.internal.dollarsPerThousand} per 1,000 internal and $${STEP_PRICES.external.dollarsPerThousand} per 1,000 external steps; ` +
    `the month has ${STEP_PRICES.internal.freePerMonth} internal and ${STEP_PRICES.external.freePerMonth} external steps free.`;
  world.write(`${table}\n${note}\n`);
  if (flags.steps === true)
    world.write(
      `\n${formatTable(
        billsOf(measured),
        [
          { heading: "step", value: ({ routine, step }) => `${routine}.${step}` },
          { heading: "line", value: ({ line }) => line },
          { heading: "visits", value: ({ visits }) => visits },
          { heading: "internal", value: ({ internal }) => internal },
          { heading: "external", value: ({ external }) => external },
          { heading: "list price", value: (bill) => dollars(listPrice(bill)) },
        ],
        "",
      )}\n`,
    );
}
