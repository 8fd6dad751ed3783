// The registry in a process of its own, on a state folder: verifies artifacts, keeps the views of models, datasets and lineage.
import {
  ARTIFACT_VARIABLE,
  FACT_SERVICE_VARIABLES,
  folders,
  joinState,
  serveAlone,
} from "../../scripts/compose/alone.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openArtifacts } from "../../scripts/compose/open-serving.ts";
import { configure, refuseGoogleCloud } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createRegistry } from "./registry.ts";

const { config, world } = configure(process.env, "pushed", {
  ...FACT_SERVICE_VARIABLES,
  ...ARTIFACT_VARIABLE,
});
refuseGoogleCloud(world, "registry", "artifacts");
const { state } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("registry");
const stored = await openStores(world, state, log);
const registry = createRegistry({
  ...stored,
  clock,
  artifacts: openArtifacts(state, folders(config.SIGNALBOX_ARTIFACT_ROOTS)),
});
await serveAlone(registry, {
  world,
  stores: stored,
  log,
  port: config.PORT,
  close: stored.close,
});
