// A Ray of one's own: a Python virtual environment with Ray, made once, and a local head on free loopback ports.
//
// Ray's head listens on all interfaces whatever address it is given (seen with 2.60.0), and who reaches it may run anything:
// so the head is started with token authentication, and the token lies in a file that only its owner can read.
import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeEnvironment } from "./python-environment.ts";

/** The exact release that is installed and tested. */
export const RAY_RELEASE = "2.60.0";
/** Making the environment: 20 to 60 seconds on a good line. */
const INSTALL_MS = 10 * 60_000;
/** A head starts in about six seconds. */
const START_MS = 90_000;
/** A head drains and ends in about two seconds; then its process group is killed. */
const STOP_MS = 10_000;
const LOOK_MS = 250;
const CPUS = 2;
/** Memory of Ray's object store: the smallest that Ray accepts without complaint for small jobs. */
const OBJECT_STORE_BYTES = 200 * 1_024 * 1_024;

/** A head that runs. */
export interface RayHead {
  /** Base URL of its dashboard and Jobs API. */
  readonly address: string;
  /** Its token, for `Authorization: Bearer`. */
  readonly token: string;
  /** The leader of its process group. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** What may be said beside the folder. */
export interface RayOptions {
  /** Told in a few words what is going on. */
  readonly say?: (sentence: string) => void;
  /** The Python that makes the environment; default `python3`. */
  readonly python?: string;
}

/** Where the environment is, below a state folder. */
export const rayEnvironment = (folder: string): string => join(folder, "environment");

/** Makes the environment unless it is there with this very release. Answers the folder of its programs. */
export async function installRay(folder: string, options: RayOptions = {}): Promise<string> {
  const { say = () => undefined, python = "python3" } = options;
  const environment = rayEnvironment(folder);
  const bin = join(environment, "bin");
  const stamp = join(environment, "signalbox-release");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === RAY_RELEASE) return bin;
  say(`Making a Python environment with ray[default] ${RAY_RELEASE} (once, about a minute) …`);
  await makeEnvironment(environment, [`ray[default]==${RAY_RELEASE}`], { python, timeMs: INSTALL_MS });
  writeFileSync(stamp, RAY_RELEASE);
  return bin;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

// Ray puts sockets into its folder, and a socket's path may have about 100 characters: so it is not below the state folder.
const socketFolder = (): string => join(tmpdir(), `signalbox-ray-${process.pid}`);

function tokenOf(file: string): string {
  if (existsSync(file)) return readFileSync(file, "utf8");
  const token = randomBytes(32).toString("hex");
  writeFileSync(file, token, { mode: 0o600 });
  return token;
}

/** Signals a process group until it is gone; it is ours alone, because the head was started as its leader. */
async function endGroup(pid: number): Promise<void> {
  const isThere = (): boolean => {
    try {
      process.kill(-pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const end = (signal: NodeJS.Signals, target: number): void => {
    if (isThere()) process.kill(target, signal);
  };
  end("SIGTERM", pid);
  for (let waited = 0; isThere() && waited < STOP_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  end("SIGKILL", -pid);
}

async function answers(address: string, token: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/api/version`, { headers: { authorization: `Bearer ${token}` } });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

function head(
  bin: string,
  folder: string,
  [port, dashboard, client, agent]: readonly number[],
): ChildProcess {
  const log = openSync(join(folder, "head.log"), "a");
  const sockets = socketFolder();
  const args = ["start", "--head", "--block", "--disable-usage-stats", "--include-dashboard=true"];
  args.push(
    "--node-ip-address=127.0.0.1",
    "--dashboard-host=127.0.0.1",
    `--port=${port}`,
    `--dashboard-port=${dashboard}`,
  );
  args.push(
    `--ray-client-server-port=${client}`,
    `--dashboard-agent-listen-port=${agent}`,
    `--temp-dir=${sockets}`,
  );
  args.push(`--num-cpus=${CPUS}`, `--object-store-memory=${OBJECT_STORE_BYTES}`);
  const { PATH = "", HOME = "", LANG = "C.UTF-8" } = process.env;
  const child = spawn(join(bin, "ray"), args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      // The job's `python` must be the one that has Ray.
      PATH: `${bin}:${PATH}`,
      HOME,
      LANG,
      RAY_AUTH_MODE: "token",
      RAY_AUTH_TOKEN_PATH: join(folder, "token"),
      RAY_USAGE_STATS_ENABLED: "0",
      RAY_DEDUP_LOGS: "0",
    },
  });
  closeSync(log);
  return child;
}

async function end(pid: number): Promise<void> {
  await endGroup(pid);
  rmSync(socketFolder(), { recursive: true, force: true });
}

/** Installs Ray below `folder` if needed and starts a head there. Throws with the end of its log when it does not start. */
export async function startRay(folder: string, options: RayOptions = {}): Promise<RayHead> {
  const absolute = resolve(folder);
  const bin = await installRay(absolute, options);
  const token = tokenOf(join(absolute, "token"));
  const ports = await freePorts(4);
  const address = `http://127.0.0.1:${ports[1]}`;
  options.say?.("Starting a Ray head …");
  const child = head(bin, absolute, ports);
  const { pid } = child;
  if (pid === undefined) throw new Error(`ray did not start: see ${join(absolute, "head.log")}`);
  for (let waited = 0; waited < START_MS && child.exitCode === null; waited += LOOK_MS) {
    if (await answers(address, token)) return { address, token, pid, stop: () => end(pid) };
    await sleep(LOOK_MS);
  }
  await end(pid);
  throw new Error(
    `The Ray head did not answer within ${START_MS / 1_000} s: see ${join(absolute, "head.log")}`,
  );
}

/** `scripts/ray.ts [FOLDER]` starts a head and stays; `scripts/ray.ts --install [FOLDER]` only makes the environment. */
async function main(): Promise<void> {
  const say = (sentence: string): void => void process.stdout.write(`${sentence}\n`);
  const installOnly = process.argv[2] === "--install";
  const folder = process.argv[installOnly ? 3 : 2] ?? join(".signalbox", "ray");
  if (installOnly) {
    await installRay(folder, { say });
    return say(`Ray ${RAY_RELEASE} is installed in ${rayEnvironment(folder)}.`);
  }
  const ray = await startRay(folder, { say });
  say(`Ray ${RAY_RELEASE} listens at ${ray.address}. In another terminal:`);
  say(`  SIGNALBOX_RAY_ADDRESS=${ray.address} SIGNALBOX_RAY_TOKEN=$(cat ${join(folder, "token")}) npm start`);
  say("Ctrl-C stops it.");
  await new Promise<void>((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
    // An open handle keeps the program up until then.
    const hold = setInterval(() => undefined, 60_000);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => clearInterval(hold));
  });
  await ray.stop();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
