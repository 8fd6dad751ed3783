// What "at rest" means: nothing is pending anywhere, and nobody waits for anything.
import type { Outside } from "./outside.ts";

const FAR = "2999-01-01T00:00:00.000Z";
const ROWS_MAX = 1_000;
const FINAL: ReadonlySet<string> = new Set(["PROMOTED", "ROLLED_BACK", "ABORTED"]);

/** Whether everything has come to an end, and what is still awaited otherwise. */
export interface Rest {
  readonly atRest: boolean;
  readonly waitsFor: readonly string[];
}

/** Whether nothing is pending anywhere: receipts, outbox, timers, builds, applies, rollouts, runs, executions. */
export async function atRest(outside: Outside): Promise<Rest> {
  const { receipts, outbox, views, db } = outside;
  const waitsFor: string[] = [];
  const count = (what: string, found: number): void => {
    if (found > 0) waitsFor.push(`${found} ${what}`);
  };
  count("pending receipts", (await receipts.pending(ROWS_MAX)).length);
  count("facts in the outbox", (await outbox.pending(FAR, ROWS_MAX)).length);
  for (const { stream, name, due } of await outbox.timersDue(FAR, ROWS_MAX))
    waitsFor.push(`timer ${name} of ${stream} due ${due}`);
  for (const collection of ["openBuilds", "waitingPlans", "waitingApplies", "activeRuns"])
    for (const { key } of await views.list({ collection, limit: ROWS_MAX }))
      waitsFor.push(`${collection} ${key}`);
  for (const { key, document } of await views.list({ collection: "rollouts", limit: ROWS_MAX }))
    if (!FINAL.has(String(document["state"]))) waitsFor.push(`${key} is ${String(document["state"])}`);
  count("executions", db.rows("SELECT 1 FROM executions WHERE state IN ('ACTIVE', 'QUEUED')").length);
  return { atRest: waitsFor.length === 0, waitsFor };
}
