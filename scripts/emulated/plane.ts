// The control plane as on Google Cloud, on this machine: both official emulators, every service a process of its own, facts pushed
// over HTTP. Builds, model servers and the gateway are those of the embedded mode, on a state folder.
import { mkdir } from "node:fs/promises";
import { openPubSub } from "../../shared/adapters/google/pubsub-client.ts";
import { startEmulator } from "../compose/emulators.ts";
import { systemPort } from "../compose/ports.ts";
import { withNode } from "../compose/shipped.ts";
import {
  type FirstPerson,
  type Keys,
  openKeys,
  openPrincipals,
  openStateFolder,
  type StateFolder,
} from "../compose/state-folder.ts";
import { startFront, type Way } from "./front.ts";
import { type ServiceChild, startServiceChild } from "./service-child.ts";
import { createTopics, FACTS_TOPIC, subscriptionName } from "./topics.ts";

/** The project of the emulators. */
export const EMULATED_PROJECT = "signalbox-emulated";
/** Every service, in the order in which they are started. */
export const EMULATED_SERVICES = [
  "api",
  "webhook",
  "provisioner",
  "registry",
  "rollout",
  "data",
  "notifier",
  "relay",
  "console",
] as const;

/** Name of a service. */
export type EmulatedService = (typeof EMULATED_SERVICES)[number];

/** A control plane that runs on emulators. */
export interface EmulatedPlane {
  /** Webhook and API. */
  readonly url: string;
  readonly gatewayUrl: string;
  readonly state: StateFolder;
  readonly keys: Keys;
  readonly tokens: ReadonlyMap<string, string>;
  readonly emulators: { readonly firestore: string; readonly pubsub: string };
  /** Kills a service as a power cut would, and starts it again. */
  restart(name: EmulatedService): Promise<void>;
  stop(): Promise<void>;
}

type Ports = Readonly<Record<EmulatedService | "gateway", number>>;

/** Under which path of the front facts are pushed to a service. */
const PUSH_PATH = "/push/";

/** Pushes go to their service, deliveries to the webhook, everything else to the API. */
function wayOf(ports: Ports, path: string): Way {
  const pushed = EMULATED_SERVICES.find((name) => path === `${PUSH_PATH}${name}`);
  if (pushed !== undefined) return { port: ports[pushed], path: "/" };
  return { port: path.startsWith("/webhooks/") ? ports.webhook : ports.api, path };
}

async function choosePorts(): Promise<Ports> {
  const ports: Record<string, number> = {};
  for (const name of [...EMULATED_SERVICES, "gateway"]) ports[name] = await systemPort();
  return ports as Ports;
}

function environmentOf(
  name: EmulatedService,
  ports: Ports,
  plane: Pick<EmulatedPlane, "url" | "state" | "emulators">,
): Record<string, string> {
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  return {
    PATH: withNode(process.env["PATH"] ?? ""),
    METADATA_SERVER_DETECTION: "none",
    SIGNALBOX_WORLD: "google-cloud",
    GOOGLE_CLOUD_PROJECT: EMULATED_PROJECT,
    SIGNALBOX_DATABASE: "(default)",
    SIGNALBOX_FACTS_TOPIC: FACTS_TOPIC,
    SIGNALBOX_SUBSCRIPTION: subscriptionName(EMULATED_PROJECT, name),
    FIRESTORE_EMULATOR_HOST: plane.emulators.firestore,
    PUBSUB_EMULATOR_HOST: plane.emulators.pubsub,
    SIGNALBOX_STATE: plane.state.root,
    PORT: String(ports[name]),
    // The provisioner links to it; workflows call the API itself, which their tokens name.
    SIGNALBOX_API_URL: name === "provisioner" ? plane.url : apiUrl,
    SIGNALBOX_GATEWAY_PORT: String(ports.gateway),
  };
}

/** Stops what was started, last first, also when one of them cannot be stopped. */
async function undo(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of steps.toReversed()) await step().catch(() => undefined);
}

/** Starts everything; what was started is stopped again if something does not start. */
export async function startEmulatedPlane(
  folder: string,
  people: readonly FirstPerson[],
): Promise<EmulatedPlane> {
  const state = await openStateFolder(folder);
  await mkdir(state.path("logs"), { recursive: true });
  const keys = await openKeys(state);
  const tokens = await openPrincipals(state, people);
  const ports = await choosePorts();
  const steps: (() => Promise<unknown>)[] = [];
  try {
    const firestore = await startEmulator("firestore");
    steps.push(firestore.stop);
    const pubsub = await startEmulator("pubsub");
    steps.push(pubsub.stop);
    const front = await startFront((path) => wayOf(ports, path));
    steps.push(front.close);
    const emulators = { firestore: firestore.host, pubsub: pubsub.host };
    const client = await openPubSub({ project: EMULATED_PROJECT, emulator: pubsub.host });
    steps.push(() => client.close());
    await createTopics(client, (service) => `${front.url}${PUSH_PATH}${service}`);
    const children = new Map<EmulatedService, ServiceChild>();
    const start = async (name: EmulatedService): Promise<void> => {
      const environment = environmentOf(name, ports, { url: front.url, state, emulators });
      children.set(name, await startServiceChild(name, environment, state.path("logs", `${name}.log`)));
    };
    steps.push(() => Promise.all([...children.values()].map((child) => child.stop())));
    await Promise.all(EMULATED_SERVICES.map(start));
    return {
      url: front.url,
      gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
      state,
      keys,
      tokens,
      emulators,
      async restart(name) {
        await children.get(name)?.kill();
        await start(name);
      },
      stop: () => undo(steps),
    };
  } catch (error) {
    await undo(steps);
    throw error;
  }
}
