// The control plane as on Google Cloud, on this machine: both official emulators, every service a process of its own, facts pushed
// over HTTP. Builds, model servers and the gateway are those of the embedded mode, on a state folder.
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openPubSub } from "../../shared/adapters/google/pubsub-client.ts";
import { type EmulatorName, startEmulator } from "../compose/emulators.ts";
import { atExit } from "../compose/held-child.ts";
import { unsharedPort } from "../compose/ports.ts";
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
import { endLeftovers } from "../compose/leftovers.ts";
import { bundleServices, type ServiceProgram } from "./program.ts";
import { type ServiceChild, startServiceChild } from "./service-child.ts";
import { createTopics, FACTS_TOPIC, filterOfPushes, subscriptionName } from "./topics.ts";

/** The project of the emulators. */
export const EMULATED_PROJECT = "signalbox-emulated";
/** Every service. */
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

/** Ends builds and model servers when there is no time left to wait for anything. */
const REAPER = join(import.meta.dirname, "reap.ts");
/** How long it may take. */
const REAP_MS = 15_000;

type Ports = Readonly<Record<EmulatedService | "gateway", number>>;

/** Under which path of the front facts are pushed to a service. */
const PUSH_PATH = "/push/";

/** Pushes go to their service, deliveries to the webhook, everything else to the API. */
function createWays(ports: Ports): (path: string) => Way {
  const pushes = new Map(
    EMULATED_SERVICES.map((name): [string, Way] => [
      `${PUSH_PATH}${name}`,
      { port: ports[name], path: "/", pushed: true, wants: filterOfPushes(name) },
    ]),
  );
  return (path) =>
    pushes.get(path) ?? {
      port: path.startsWith("/webhooks/") ? ports.webhook : ports.api,
      path,
      pushed: false,
    };
}

async function choosePorts(): Promise<Ports> {
  const ports: Record<string, number> = {};
  for (const name of [...EMULATED_SERVICES, "gateway"]) ports[name] = await unsharedPort();
  return ports as Ports;
}

/** What a service says. */
export const logFile = (state: StateFolder, name: EmulatedService): string =>
  state.path("logs", `${name}.log`);

/** Where a service keeps what Google would bill it for. */
export const countsFile = (state: StateFolder, name: EmulatedService): string =>
  state.path("logs", `${name}.counts.json`);

interface Surroundings extends Pick<EmulatedPlane, "url" | "state" | "emulators"> {
  readonly ports: Ports;
  readonly program: ServiceProgram;
}

/** Whoever wants traces of the emulated services says so with the standard variables. */
const traceVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith("OTEL_") && value !== undefined ? [[name, value]] : [],
    ),
  );

function environmentOf(
  name: EmulatedService,
  { ports, program, ...plane }: Surroundings,
): Record<string, string> {
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  return {
    ...program.environment,
    ...traceVariables(),
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
    SIGNALBOX_COUNTS: countsFile(plane.state, name),
  };
}

type Undo = () => Promise<unknown>;

/** Stops what was started, last first, also when one of them cannot be stopped. */
async function undoAll(steps: Undo[]): Promise<void> {
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) await step().catch(() => undefined);
}

/** All answers; one that fails does not leave others behind that nobody knows of. */
async function all<Answer>(work: readonly Promise<Answer>[]): Promise<readonly Answer[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Starts both emulators and the front, and creates topics and subscriptions. */
async function startSurroundings(
  state: StateFolder,
  signal: AbortSignal,
  steps: Undo[],
): Promise<Surroundings> {
  const emulator = async (name: EmulatorName): Promise<string> => {
    const { host, stop } = await startEmulator(name, { signal });
    steps.push(stop);
    return host;
  };
  const bundling = bundleServices(state.root);
  const hosts = all([emulator("firestore"), emulator("pubsub")]);
  await Promise.allSettled([bundling, hosts]);
  const [firestore = "", pubsub = ""] = await hosts;
  const ports = await choosePorts();
  const front = await startFront(createWays(ports));
  steps.push(front.close);
  const client = await openPubSub({ project: EMULATED_PROJECT, emulator: pubsub });
  steps.push(() => client.close());
  await createTopics(client, (service) => `${front.url}${PUSH_PATH}${service}`);
  const emulators = { firestore, pubsub };
  return { url: front.url, state, emulators, ports, program: await bundling };
}

/** Starts and restarts services in these surroundings. */
function createServices(around: Surroundings, signal: AbortSignal) {
  const children = new Map<EmulatedService, ServiceChild>();
  const start = async (name: EmulatedService): Promise<void> => {
    const child = await startServiceChild({
      name,
      command: around.program.commandOf(name),
      environment: environmentOf(name, around),
      logFile: logFile(around.state, name),
      signal,
    });
    children.set(name, child);
  };
  return {
    start,
    async restart(name: EmulatedService): Promise<void> {
      await children.get(name)?.kill();
      await start(name);
    },
    stop: () => Promise.all([...children.values()].map((child) => child.stop())),
  };
}

/** Starts everything; what was started is stopped again if something does not start, or when `signal` aborts meanwhile. */
export async function startEmulatedPlane(
  folder: string,
  people: readonly FirstPerson[],
  signal: AbortSignal = new AbortController().signal,
): Promise<EmulatedPlane> {
  const state = await openStateFolder(folder);
  await mkdir(state.path("logs"), { recursive: true });
  const keys = await openKeys(state);
  const tokens = await openPrincipals(state, people);
  // Builds and model servers are no children of ours: their services leave them to be found again.
  const release = atExit(() => void spawnSync(process.execPath, [REAPER, state.root], { timeout: REAP_MS }));
  const steps: Undo[] = [async () => release(), () => endLeftovers(state.root)];
  try {
    const around = await startSurroundings(state, signal, steps);
    const services = createServices(around, signal);
    steps.push(services.stop);
    await all(EMULATED_SERVICES.map(services.start));
    const { url, emulators, ports } = around;
    const gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
    const { restart } = services;
    return { url, gatewayUrl, state, keys, tokens, emulators, restart, stop: () => undoAll(steps) };
  } catch (error) {
    await undoAll(steps);
    throw error;
  }
}
