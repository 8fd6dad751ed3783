// The stores on Google Cloud: Firestore and Pub/Sub. Loaded only where that world was chosen.
import type { PubSub } from "@google-cloud/pubsub";
import { createCalls } from "../../shared/adapters/google/calls.ts";
import { createBus } from "../../shared/adapters/google/bus.ts";
import { createDeadLetters } from "../../shared/adapters/google/dead-letters.ts";
import { createFigures } from "../../shared/adapters/google/figures.ts";
import { createGrants } from "../../shared/adapters/google/grants.ts";
import { createLedger } from "../../shared/adapters/google/ledger.ts";
import { createLedgerEars } from "../../shared/adapters/google/ledger-ear.ts";
import { requireKnownSchema } from "../../shared/adapters/google/firestore-schema.ts";
import { openStore, type Store } from "../../shared/adapters/google/firestore.ts";
import { createNotifications } from "../../shared/adapters/google/notifications.ts";
import { createOutbox } from "../../shared/adapters/google/outbox.ts";
import { openPubSub } from "../../shared/adapters/google/pubsub-client.ts";
import { createPushTokenGuard, googleKeys } from "../../shared/adapters/google/push-token.ts";
import { createReceipts } from "../../shared/adapters/google/receipts.ts";
import { createViews } from "../../shared/adapters/google/views.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { openedOnce } from "../../shared/runtime/opened-once.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { createPublishAtOnce } from "../../shared/runtime/publish-at-once.ts";
import type { PushGuard } from "../../shared/runtime/push-guard.ts";
import { countPublish, countsOfCaller, keepCounts } from "./call-counts.ts";
import type { Stores } from "./open-stores.ts";
import { readTopology } from "./topology.ts";
import type { World } from "./world.ts";

type GoogleWorld = Extract<World, { kind: "google-cloud" }>;

/** How long a start waits for the database to say which program wrote it. */
export const SCHEMA_LOOK_MAX_MS = 3_000;

/** The emulator signs no pushes. World and emulators together were refused for production when they were read. */
const anyone: PushGuard = async () => {};

function doorOf({ emulators, audience, senders, checkedInFront }: GoogleWorld): PushGuard {
  if (emulators !== undefined) return anyone;
  const keys = googleKeys(clock);
  return createPushTokenGuard({ audience, serviceAccounts: senders, keys, clock, checkedInFront });
}

/** Service → the types that its subscription gives it, as the topology says. */
const subscribers = (): Readonly<Record<string, readonly FactType[]>> =>
  Object.fromEntries(
    Object.entries(readTopology()).map(([name, { subscribes }]) => [name, subscribes as readonly FactType[]]),
  );

/** A database that is silent must not hold a start up: an API that has not started takes no traffic back. */
async function lookAtSchema(store: Store, log: Log): Promise<void> {
  try {
    await withDeadline(clock, SCHEMA_LOOK_MAX_MS, "Reading the schema", () => requireKnownSchema(store, log));
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "DEADLINE_EXCEEDED") throw error;
    log.warn({ error }, "The database is silent; the service starts all the same.");
  }
}

/** Opens them; refuses a database that a newer program has written. */
export async function openGoogleStores(world: GoogleWorld, log: Log): Promise<Omit<Stores, "db">> {
  const { project, database, topic, emulators, subscription } = world;
  const store = openStore(
    { project, database, ...(emulators === undefined ? {} : { emulator: emulators.firestore }) },
    clock,
    undefined,
    countsOfCaller(),
  );
  await lookAtSchema(store, log);
  const keepLast = keepCounts(emulators === undefined ? undefined : process.env["SIGNALBOX_COUNTS"]);
  let pubsub: PubSub | undefined;
  const client = openedOnce(async () => {
    pubsub = await openPubSub({
      project,
      ...(emulators === undefined ? {} : { emulator: emulators.pubsub }),
    });
    return pubsub;
  });
  const outbox = createOutbox(store);
  const bus = createBus({
    client,
    calls: createCalls({ clock, count: countPublish }),
    topic,
    subscribers: subscribers(),
  });
  return {
    ledger: { ...createLedger(store), listen: createLedgerEars({ store, clock, log }) },
    outbox,
    views: createViews(store),
    receipts: createReceipts(store),
    deadLetters: createDeadLetters(store),
    figures: createFigures(store),
    notifications: createNotifications(store),
    grants: createGrants(store),
    announce: createPublishAtOnce({ bus, outbox, clock, log }),
    bus,
    door: doorOf(world),
    subscription: subscription === "" ? undefined : subscription,
    async close() {
      keepLast();
      await pubsub?.close();
      await store.close();
    },
  };
}
