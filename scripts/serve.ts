// One installation on one state folder: takes the lock, opens keys and adapters, starts everything, and stops it in order.
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { destination } from "pino";
import { lockState } from "../shared/adapters/local/state-lock.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { createLog } from "../shared/runtime/log.ts";
import { openAdapters } from "./compose/adapters.ts";
import { buildEnvironment, type BuildEnvironmentOptions } from "./compose/build-environment.ts";
import { type ControlPlane, startControlPlane } from "./compose/control-plane.ts";
import { type ListenOptions, openListening } from "./compose/listening.ts";
import { rayFromEnvironment } from "./compose/ray.ts";
import { freePorts } from "./compose/ports.ts";
import { openTracing } from "./compose/open-tracing.ts";
import { requireTerraform } from "./compose/requirements.ts";
import { stopRequested } from "./compose/stop.ts";
import {
  type FirstPerson,
  type StateFolder,
  openKeys,
  openPrincipals,
  openStateFolder,
  ownerLogins,
} from "./compose/state-folder.ts";

export { stopRequested } from "./compose/stop.ts";

/** What an installation is started with. */
export interface ServeOptions {
  readonly state: string;
  readonly port: number;
  readonly gatewayPort: number;
  /** People besides the administrator, made at the first start. */
  readonly people?: readonly FirstPerson[];
  readonly ray?: { readonly address: string; readonly token?: string } | undefined;
  readonly artifactRoots?: readonly string[];
  /** Where it listens; default: loopback, in the open. */
  readonly listen?: ListenOptions;
  /** What builds get from this machine; default: nothing. */
  readonly builds?: BuildEnvironmentOptions;
}

/** An installation that runs. */
export interface Installation extends ControlPlane {
  readonly state: StateFolder;
  readonly tokens: ReadonlyMap<string, string>;
  readonly webhookSecret: string;
  /** Whether the folder had been used before. */
  readonly known: boolean;
}

/** The person who started it. */
async function administrator(): Promise<FirstPerson> {
  return { principal: "admin", role: "admin", codeHostLogins: await ownerLogins(), tokenFile: "token" };
}

/** Starts an installation. The log goes to `<state>/signalbox.log`, so that the terminal stays readable. */
export async function startInstallation(options: ServeOptions): Promise<Installation> {
  const path = process.env["PATH"] ?? "";
  await requireTerraform(path);
  const builds = options.builds === undefined ? undefined : buildEnvironment(options.builds, process.env);
  const state = await openStateFolder(options.state);
  const lock = await lockState(state.root, systemClock);
  try {
    await mkdir(state.path("artifacts"), { recursive: true });
    const known = await isKnown(state);
    const tokens = await openPrincipals(state, [await administrator(), ...(options.people ?? [])]);
    const keys = await openKeys(state);
    const logFile = destination({ dest: state.path("signalbox.log"), append: true, sync: true });
    const log = createLog("signalbox", logFile, keys.hidden);
    const listening = await openListening(options.listen ?? {}, log);
    const stopTracing = await openTracing(process.env, log);
    let gatewayUrl = "";
    const adapters = await openAdapters({
      gatewayUrl: () => gatewayUrl,
      listening,
      state,
      keys,
      log,
      path,
      ray: options.ray,
      artifactRoots: options.artifactRoots ?? [],
      builds,
    });
    const [port = 0, gatewayPort = 0] = await freePorts([options.port, options.gatewayPort], listening.host);
    const plane = await startControlPlane(adapters, {
      state,
      keys,
      port,
      gatewayPort,
    });
    ({ gatewayUrl } = plane);
    await lock.setUrl(plane.url);
    await writeFile(
      state.path("server.json"),
      `${JSON.stringify({ pid: process.pid, url: plane.url, gatewayUrl: plane.gatewayUrl, ...certificateOf(options), startTime: systemClock.now().toISOString() }, null, 2)}\n`,
    );
    return {
      ...plane,
      state,
      tokens,
      known,
      webhookSecret: keys.webhookSecret,
      async close() {
        await plane.close();
        await stopTracing();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Programs on this machine trust exactly this certificate. */
const certificateOf = ({ listen }: ServeOptions) =>
  listen?.tlsCert === undefined ? {} : { certificate: resolve(listen.tlsCert) };

async function isKnown(state: StateFolder): Promise<boolean> {
  const { access } = await import("node:fs/promises");
  return access(state.path("ledger.db")).then(
    () => true,
    () => false,
  );
}

/** Starts an installation, says where it is, and stays until it is asked to stop. */
export async function serve(options: ServeOptions): Promise<void> {
  const stop = stopRequested();
  // A Ray that runs already is used; starting one of its own is the demo's business.
  const ray = rayFromEnvironment(process.env);
  const installation = await startInstallation({ ...options, ray: options.ray ?? ray });
  const { url, gatewayUrl, state } = installation;
  process.stdout.write(
    `Signalbox is up.\n  API and page  ${url}  (signalbox open)\n  models        ${gatewayUrl}\n` +
      `  token         ${join(state.root, "token")}\n  log           ${state.path("signalbox.log")}\nCtrl-C stops it.\n`,
  );
  await stop;
  process.stdout.write("Stopping …\n");
  await installation.close();
}
