// A run that was asked for. Told to no projection, it is what a rebuild of the views has to find.
import type { Draft } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { batchOf } from "./facts.ts";

/** Its name, where a test has no other. */
export const RUN = "teams/default/runs/nightly";

/** What it is asked for with. */
export const RUN_REQUESTED: Draft<"run.requested"> = {
  type: "run.requested",
  data: {
    entrypoint: "python process.py",
    runtimeEnvironment: {},
    inputs: [],
    outputUri: "file:///out",
    timeLimitSeconds: 60,
  },
};

/** Writes the fact to the ledger, and nothing besides. */
export async function askForRun(ledger: Ledger): Promise<void> {
  await ledger.append(batchOf(RUN, 0, "asked", [RUN_REQUESTED]));
}
