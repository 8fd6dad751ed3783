// The registry in a process of its own, on a state folder: verifies artifacts, keeps the views of models, datasets and lineage.
import { Type } from "typebox";
import {
  ARTIFACT_VARIABLE,
  FACT_SERVICE_VARIABLES,
  folders,
  joinState,
  serveAlone,
} from "../../scripts/compose/alone.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openArtifacts } from "../../scripts/compose/open-serving.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createRegistry } from "./registry.ts";

const readConfig = declare(Type.Object({ ...FACT_SERVICE_VARIABLES, ...ARTIFACT_VARIABLE }));

const config = readConfig(process.env);
const { state } = await joinState(config.SIGNALBOX_STATE);
const stored = openLedger(state);
const registry = createRegistry({
  ...stored,
  clock,
  artifacts: openArtifacts(state, folders(config.SIGNALBOX_ARTIFACT_ROOTS)),
  // The outbox holds the facts already; the relay finds them there.
  announce: async () => {},
});
await serveAlone(registry, {
  deadLetters: stored.deadLetters,
  log: createLog("registry"),
  port: config.PORT,
  token: config.SIGNALBOX_PUSH_TOKEN,
  close: () => stored.db.close(),
});
