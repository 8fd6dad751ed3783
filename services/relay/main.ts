// The relay in a process of its own: publishes what is due. On one machine it pushes to the services that it is told of; on Google
// Cloud it publishes to the topic, a schedule calls it, and what Pub/Sub gave up is taken into the list of dead letters. It also asks
// GitHub for deliveries that never came: it is the service with a clock, and no stranger reaches it (docs/decisions/0053).
import { Type } from "typebox";
import { GOOGLE_SECRETS } from "../../scripts/compose/google-settings.ts";
import { openDeliveryLog } from "../../scripts/compose/open-delivery-log.ts";
import { countedPass } from "../../scripts/compose/call-counts.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openTracing } from "../../scripts/compose/open-tracing.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested, stopWhenAsked } from "../../scripts/compose/stop.ts";
import { configure, hostOf, keepsTime } from "../../scripts/compose/world.ts";
import { createPushBus } from "../../shared/adapters/local/push-bus.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { drain } from "../../shared/runtime/drain.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { onFacts, serveFunction } from "../../shared/runtime/on-facts.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createRedeliverySweep } from "./redelivery-sweep.ts";
import { createRelay } from "./relay.ts";

/** Between two sweeps of the outbox. */
const SWEEP_PAUSE_MS = 1_000;
/** Between two comparisons of GitHub's log of deliveries with our receipts, on one machine. */
const REDELIVERY_PAUSE_MS = 5 * 60_000;

const inCloud = process.env["SIGNALBOX_WORLD"] === "google-cloud";
const { config, world, cloud } = configure(
  process.env,
  "scheduled",
  {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
    SIGNALBOX_SUBSCRIBERS: Type.String({
      pattern: "^[a-z]+=https?://[^,\\s]+(,[a-z]+=https?://[^,\\s]+)*$",
      description: "list the services as name=url, with commas between them.",
      ...(inCloud ? { default: "topic=https://pubsub.googleapis.com" } : {}),
    }),
    SIGNALBOX_GITHUB_APP_ID: Type.Optional(
      Type.String({
        pattern: "^[0-9]{1,15}$",
        description: "set it to the id of the GitHub App, to ask GitHub for deliveries that never came.",
      }),
    ),
  },
  GOOGLE_SECRETS,
);
const log = createLog("relay");
const stopTracing = await openTracing(process.env, log, "relay");
const state = await openStateFolder(config.SIGNALBOX_STATE);
const stored = await openStores(world, state, log);
const { outbox, deadLetters, ledger } = stored;
const subscribers = config.SIGNALBOX_SUBSCRIBERS.split(",").map((entry) => {
  const [name = "", ...url] = entry.split("=");
  return { name, url: url.join("=") };
});
const bus = stored.bus ?? createPushBus(subscribers, typeof stored.door === "string" ? stored.door : "");
const pump = createPump({ outbox, bus, deadLetters, clock, log });
const relay = createRelay({ outbox, bus, deadLetters, pump, clock, log, ledger, announce: pump.announce });

const givenUp =
  cloud === undefined
    ? undefined
    : await (
        await import("../../scripts/compose/open-google-dead-letters.ts")
      ).openGoogleDeadLetters(cloud, {
        deadLetters,
        log,
      });
const deliveryLog = openDeliveryLog({ cloud, state, appId: config.SIGNALBOX_GITHUB_APP_ID, log });
/** Made at the first call, and again if that failed. */
let sweepRedeliveries: (() => Promise<number>) | undefined;
const compareDeliveries = async (): Promise<void> => {
  if (deliveryLog === undefined) return;
  const { receipts } = stored;
  sweepRedeliveries ??= createRedeliverySweep({ deliveryLog: await deliveryLog(), receipts, clock, log });
  await sweepRedeliveries();
};
// In the cloud a scheduler calls the function's `/reconcile`; alone on a machine the relay keeps its own time.
onFacts(
  {
    ...relay,
    // What is due goes first: it does not wait for letters, nor for whoever may not read them.
    async reconcile() {
      await relay.reconcile();
      await givenUp?.take();
    },
    async idle() {
      await Promise.all([pump.idle(), relay.idle()]);
    },
    schedules: { "/redeliveries": compareDeliveries },
  },
  { deadLetters, clock, log },
);

const asked = stopRequested();
const loop = keepsTime(world)
  ? repeat({ clock, log }, "relay", SWEEP_PAUSE_MS, () => countedPass(() => relay.reconcile()))
  : undefined;
const redeliveries =
  keepsTime(world) && deliveryLog !== undefined
    ? repeat({ clock, log }, "redeliveries", REDELIVERY_PAUSE_MS, compareDeliveries)
    : undefined;
const server = inCloud ? serveFunction("relay", stored.door) : undefined;
server?.listen(config.PORT, hostOf(world));
const stop = async (): Promise<void> => {
  await redeliveries?.stop();
  await loop?.stop();
  if (server !== undefined) await drain(server);
  await pump.close();
  await relay.idle();
  await givenUp?.close();
  await stored.close();
  await stopTracing();
  log.info({}, "relay stopped");
};
stopWhenAsked(asked, stop);
log.info({ subscribers: subscribers.map(({ name }) => name) }, "relay started");
