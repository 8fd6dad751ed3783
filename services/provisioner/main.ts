// The provisioner in a process of its own: plans, applies and checks. Its builds outlive it: on one machine as processes over a
// state folder, on Google Cloud as builds of Cloud Build for pull requests of GitHub.
import { Type } from "typebox";
import { API_VARIABLE, FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openProvisioning } from "../../scripts/compose/open-provisioning.ts";
import { GOOGLE_PROVISIONING } from "../../scripts/compose/google-settings.ts";
import { requireTerraform } from "../../scripts/compose/requirements.ts";
import { withNode } from "../../scripts/compose/shipped.ts";
import { configure } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { BUILD_LIMITS } from "./ports.ts";
import { createProvisioner } from "./provisioner.ts";

const { config, world, cloud } = configure(
  process.env,
  "pushed",
  {
    ...FACT_SERVICE_VARIABLES,
    ...API_VARIABLE,
    PATH: Type.String({ description: "set it so that git and terraform are found." }),
  },
  GOOGLE_PROVISIONING,
);
// On Google Cloud it runs in the image of builds, and not here.
const hasTerraform = cloud === undefined ? requireTerraform(config.PATH) : undefined;
// Awaited before it listens; it may be refused before that.
hasTerraform?.catch(() => undefined);
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("provisioner");
const stored = await openStores(world, state, log);
const provisioning =
  cloud === undefined
    ? await openProvisioning({ state, keys, path: withNode(config.PATH) })
    : await openOnGoogle(cloud);
const provisioner = createProvisioner({
  ...stored,
  ...provisioning,
  clock,
  log,
  limits: BUILD_LIMITS,
  url: config.SIGNALBOX_API_URL,
});

/** Its clients are loaded only there. */
async function openOnGoogle(settings: NonNullable<typeof cloud>) {
  const { openGoogleSecrets } = await import("../../scripts/compose/open-google-secrets.ts");
  const { openGoogleProvisioning } = await import("../../scripts/compose/open-google-provisioning.ts");
  return openGoogleProvisioning(settings, { secrets: openGoogleSecrets(settings), log });
}

await hasTerraform;
await serveAlone(provisioner, {
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
