// A run that was asked for, which no projection was told of: what a rebuild of the views has to find.
import type { Draft } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { batchOf } from "./facts.ts";

/** Its name. */
export const RUN = "teams/default/runs/nightly";

const REQUESTED: Draft<"run.requested"> = {
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
  await ledger.append(batchOf(RUN, 0, "asked", [REQUESTED]));
}
