// A service as Cloud Run starts it: its own program on its settings alone, in an internet where Firestore and Pub/Sub are the official
// emulators, and the rest of Google are fakes.
import { onTestFinished } from "vitest";
import { openStore } from "../../../shared/adapters/google/firestore.ts";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { openPubSub } from "../../../shared/adapters/google/pubsub-client.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { pushBody } from "../../../shared/adapters/local/push-bus.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import type { AnyFact, Draft } from "../../../shared/domain/fact.ts";
import { batchOf } from "../facts.ts";
import { temporaryFolder } from "../folder.ts";
import { startService } from "../service-process.ts";
import { emulatorJar, emulatorMissing, startEmulator } from "./emulators.ts";
import { firestoreAnswers } from "./first-answer.ts";
import { PROJECT, startGoogle } from "./google-front.ts";
import type { Site } from "./internet.ts";

/** Whether the emulators are not on this machine, and what a skipped test says. */
export const EMULATORS_MISSING =
  emulatorJar("firestore") === undefined || emulatorJar("pubsub") === undefined;
/** Before the name of such a test. */
export const EMULATORS_NOTE = EMULATORS_MISSING ? `SKIPPED: ${emulatorMissing("firestore")}: ` : "";

const DELIVERIES_MAX = 5;

/** Starts one with these settings besides those that every service gets; `sites` are further hosts. All ends with the test. */
export async function startOnGoogle(
  service: string,
  settings: Readonly<Record<string, string>>,
  sites: Readonly<Record<string, Site>> = {},
) {
  const [firestore, pubsub] = await Promise.all([startEmulator("firestore"), startEmulator("pubsub")]);
  onTestFinished(async () => void (await Promise.all([firestore.stop(), pubsub.stop()])));
  const site = (host: string): Site => ({ port: Number(host.split(":")[1]), isGrpc: true });
  const google = await startGoogle({
    "firestore.googleapis.com": site(firestore.host),
    "pubsub.googleapis.com": site(pubsub.host),
    ...sites,
  });
  const store = openStore({ project: PROJECT.id, database: "signalbox", emulator: firestore.host }, clock);
  const client = await openPubSub({ project: PROJECT.id, emulator: pubsub.host });
  onTestFinished(async () => {
    await client.close();
    await store.close();
  });
  await client.createTopic("signalbox-facts");
  const pusher = `to-${service}@${PROJECT.id}.iam.gserviceaccount.com`;
  const subscription = `projects/${PROJECT.id}/subscriptions/signalbox-facts-${service}`;
  const running = startService(service, {
    ...google.environment,
    SIGNALBOX_WORLD: "google-cloud",
    SIGNALBOX_STATE: temporaryFolder(),
    GOOGLE_CLOUD_PROJECT: PROJECT.id,
    SIGNALBOX_DATABASE: "signalbox",
    SIGNALBOX_FACTS_TOPIC: "signalbox-facts",
    SIGNALBOX_SUBSCRIPTION: subscription,
    SIGNALBOX_AUDIENCES: `signalbox-${service}`,
    SIGNALBOX_PUSH_ACCOUNT: pusher,
    PORT: "0",
    ...settings,
  });
  const url = await running.url();
  const ledger = createLedger(store);
  await firestoreAnswers(firestore.host);
  /** Posts as Pub/Sub does; answers the status. */
  const post = async (path: string, body: string): Promise<number> => {
    const claims = { aud: `signalbox-${service}`, email: pusher, email_verified: true };
    const authorization = `Bearer ${await google.issuer.sign({ claims })}`;
    const headers = { "content-type": "application/json", authorization };
    return (await fetch(`${url}${path}`, { method: "POST", headers, body })).status;
  };
  /** Pushes a fact, and as Pub/Sub does again while that is not possible; answers the status. */
  const push = async (fact: AnyFact): Promise<number> => {
    const body = pushBody(fact, subscription);
    let status = await post("/", body);
    for (let more = 1; status === 503 && more < DELIVERIES_MAX; more++) status = await post("/", body);
    return status;
  };
  return {
    google,
    running,
    post,
    push,
    ledger,
    views: createViews(store),
    /** Records a fact as another service would, and pushes it; answers the status. */
    async told(stream: string, draft: Draft): Promise<number> {
      const { version } = await ledger.read(stream);
      const batch = batchOf(stream, version, `test-${version}`, [draft]);
      await ledger.append(batch);
      return push(batch.facts[0] as AnyFact);
    },
  };
}
