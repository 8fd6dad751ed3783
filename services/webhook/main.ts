// The webhook in a process of its own: takes deliveries into a state folder, or on Google Cloud into Firestore, where a schedule calls
// for what was left. The relay publishes what they become.
import { Type } from "typebox";
import { countedPass } from "../../scripts/compose/call-counts.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openTracing } from "../../scripts/compose/open-tracing.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested, stopWhenAsked } from "../../scripts/compose/stop.ts";
import { GOOGLE_WEBHOOK } from "../../scripts/compose/google-settings.ts";
import { configure, hostOf, keepsTime } from "../../scripts/compose/world.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { sweepRoutes } from "./sweep-routes.ts";
import { createWebhook, WEBHOOK_SECRET } from "./webhook.ts";

/** How long an answer waits for the work on its delivery where there is no processor after the answer; GitHub waits 10 s. */
const WORK_IN_REQUEST_MS = 4_000;

/** Between two looks for deliveries that were received and not handled. */
const SWEEP_PAUSE_MS = 5_000;

const { config, world, cloud } = configure(
  process.env,
  "called-and-scheduled",
  {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
    SIGNALBOX_BIND: Type.Optional(Type.String({ description: "set it to the address to listen on." })),
    SIGNALBOX_HOSTS: Type.String({
      default: "localhost",
      description: "list the host names under which the code host calls, with commas between them.",
    }),
  },
  GOOGLE_WEBHOOK,
);
const log = createLog("webhook");
const stopTracing = await openTracing(process.env, log, "webhook");
const state = await openStateFolder(config.SIGNALBOX_STATE);
const secrets =
  cloud === undefined
    ? createSecrets(state.path("secrets"))
    : (await import("../../scripts/compose/open-google-secrets.ts")).openGoogleSecrets(cloud);
// Without its secret it could only refuse: better not to start.
await secrets.get(WEBHOOK_SECRET);
const stored = await openStores(world, state, log);
const webhook = createWebhook({
  ...stored,
  secrets,
  clock,
  log,
  ...(keepsTime(world) ? {} : { workInRequestMs: WORK_IN_REQUEST_MS }),
});
const server = createServer({ clock, log, hosts: () => config.SIGNALBOX_HOSTS.toLowerCase().split(",") });
await server.register(webhook.routes);
await server.register(probeRoutes());
// On one machine the process keeps its own time, and nobody else may call for it.
if (!keepsTime(world) && typeof stored.door !== "string")
  await server.register(sweepRoutes({ guard: stored.door, sweep: () => webhook.sweep(), clock }));
const asked = stopRequested();
const url = await server.listen({ host: config.SIGNALBOX_BIND ?? hostOf(world), port: config.PORT });
const sweeps = keepsTime(world)
  ? repeat({ clock, log }, "receipts", SWEEP_PAUSE_MS, () => countedPass(() => webhook.sweep()))
  : undefined;
log.info({ url }, "webhook started");

const stop = async (): Promise<void> => {
  await server.close();
  await sweeps?.stop();
  await webhook.sweep();
  await stored.close();
  await stopTracing();
  log.info({}, "webhook stopped");
};
stopWhenAsked(asked, stop);
