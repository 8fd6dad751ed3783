// The notifier in a process of its own, on a state folder or on Google Cloud: keeps what people must hear of, and tells them.
import { FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { GOOGLE_SECRETS } from "../../scripts/compose/google-settings.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openNotifying } from "../../scripts/compose/open-notifying.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { configure } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createNotifier } from "./notifier.ts";

const { config, world, cloud } = configure(process.env, "pushed", FACT_SERVICE_VARIABLES, GOOGLE_SECRETS);
const { state } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("notifier");
const stored = await openStores(world, state, log);
const notifying =
  cloud === undefined
    ? { ...openNotifying(state), secrets: createSecrets(state.path("secrets")) }
    : (await import("../../scripts/compose/open-google-notifying.ts")).openGoogleNotifying(cloud);
const notifier = createNotifier({ ...stored, ...notifying, clock, log });
await serveAlone(notifier, {
  world,
  stores: stored,
  log,
  port: config.PORT,
  work: () => () => notifier.close(),
  close: stored.close,
});
