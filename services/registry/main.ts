// The registry in a process of its own: verifies artifacts, keeps the views of models, datasets and lineage. Artifacts are files of a
// state folder, or on Google Cloud objects of a bucket.
import {
  ARTIFACT_VARIABLE,
  FACT_SERVICE_VARIABLES,
  folders,
  joinState,
  serveAlone,
} from "../../scripts/compose/alone.ts";
import { GOOGLE_REGISTRY } from "../../scripts/compose/google-settings.ts";
import { openArtifacts } from "../../scripts/compose/open-artifacts.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { configure } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createRegistry } from "./registry.ts";

const { config, world, cloud } = configure(
  process.env,
  "pushed",
  { ...FACT_SERVICE_VARIABLES, ...ARTIFACT_VARIABLE },
  GOOGLE_REGISTRY,
);
const { state } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("registry");
const stored = await openStores(world, state, log);
const artifacts =
  cloud === undefined
    ? openArtifacts(state, folders(config.SIGNALBOX_ARTIFACT_ROOTS))
    : await openOnGoogle(cloud);

/** Its clients are loaded only there. */
async function openOnGoogle(settings: NonNullable<typeof cloud>) {
  const { openGoogleArtifacts } = await import("../../scripts/compose/open-google-artifacts.ts");
  return openGoogleArtifacts(settings, state.path("artifact-copies"));
}

await serveAlone(createRegistry({ ...stored, clock, artifacts }), {
  world,
  stores: stored,
  log,
  port: config.PORT,
  ...(cloud === undefined
    ? {}
    : {
        hints: (await import("../../scripts/compose/google-hints.ts")).openBuildHints(cloud.SIGNALBOX_HINTS),
      }),
  close: stored.close,
});
