// The relay in a process of its own: publishes what is due in a state folder to the services that listen on this machine.
import { join } from "node:path";
import { Type } from "typebox";
import { stopRequested } from "../../scripts/compose/stop.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createPushBus } from "../../shared/adapters/local/push-bus.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { onFacts } from "../../shared/runtime/on-facts.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createRelay } from "./relay.ts";

/** Between two sweeps of the outbox. */
const SWEEP_PAUSE_MS = 1_000;

const readConfig = declare(
  Type.Object({
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    SIGNALBOX_PUSH_TOKEN: Type.String({
      minLength: 32,
      description: "set it to the token that the services were started with, 32 characters or more.",
    }),
    SIGNALBOX_SUBSCRIBERS: Type.String({
      pattern: "^[a-z]+=https?://[^,\\s]+(,[a-z]+=https?://[^,\\s]+)*$",
      description: "list the services as name=url, with commas between them.",
    }),
  }),
);

const config = readConfig(process.env);
const log = createLog("relay");
const db = openDatabase(join(config.SIGNALBOX_STATE, "ledger.db"));
const outbox = createOutbox(db);
const deadLetters = createDeadLetters(db);
const subscribers = config.SIGNALBOX_SUBSCRIBERS.split(",").map((entry) => {
  const [name = "", ...url] = entry.split("=");
  return { name, url: url.join("=") };
});
const bus = createPushBus(subscribers, config.SIGNALBOX_PUSH_TOKEN);
const pump = createPump({ outbox, bus, deadLetters, clock, log });
const relay = createRelay({
  outbox,
  bus,
  deadLetters,
  pump,
  clock,
  log,
  ledger: createLedger(db),
  announce: pump.announce,
});

// In the cloud a scheduler calls the function's `/reconcile`; alone on a machine the relay keeps its own time.
onFacts(relay, { deadLetters, clock, log });

const loop = repeat({ clock, log }, "relay", SWEEP_PAUSE_MS, () => relay.reconcile());
const stop = async (): Promise<void> => {
  await loop.stop();
  await pump.close();
  await relay.idle();
  db.close();
  log.info({}, "relay stopped");
};
void stopRequested().then(stop);
log.info({ subscribers: subscribers.map(({ name }) => name) }, "relay started");
