// Real model servers for tests: the server of the example platform, with artifacts that say how it behaves.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import {
  createDeploys,
  type LocalDeploys,
  type LocalDeploysOptions,
} from "../../shared/adapters/local/deploys.ts";
import type { DeployLimits } from "../../shared/adapters/local/deploys-life.ts";
import type { ProcessIdentity } from "../../shared/adapters/local/process-identity.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { backendName } from "../../shared/domain/backend.ts";
import type { Deploys, ReleaseRequest } from "../../shared/ports/deploys.ts";
import type { DeploysTrial } from "../contracts/deploys.ts";
import { RANKER, version } from "./gateway-fixture.ts";

/** The folder of the example's model server. */
export const SERVER_FOLDER = fileURLToPath(
  new URL("../../examples/platform/serving/ranker", import.meta.url),
);

/** Impatient limits, so that a failure is seen within a second or two. */
export const QUICK_LIMITS: Partial<DeployLimits> = {
  readyTimeoutMs: 5_000,
  readyPollMs: 20,
  healthPollMs: 100,
  healthTimeoutMs: 2_000,
  restartsMax: 2,
  restartPauseMs: 20,
  stopGraceMs: 2_000,
  drainTimeoutMs: 2_000,
};

/** A folder for artifacts and backends; ends every server that was started there. */
export interface ModelServers {
  readonly folder: string;
  /** Deploys on this folder, as a fresh process of ours would make them. Call `start` on it. */
  deploys(more?: Partial<LocalDeploysOptions>): LocalDeploys;
  /** A request for a version whose server behaves as its artifact says. */
  request(id: number | string, behaviour: object): Promise<ReleaseRequest>;
  dispose(): Promise<void>;
}

/** Model servers in a folder of their own. */
export async function createModelServers(): Promise<ModelServers> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-servers-"));
  const artifacts = createArtifacts({ roots: [folder] });
  const made: LocalDeploys[] = [];
  return {
    folder,
    deploys(more = {}) {
      const deploys = createDeploys({
        directory: join(folder, "backends"),
        clock: systemClock,
        artifacts,
        checkout: () => Promise.resolve(SERVER_FOLDER),
        environment: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
        drained: () => Promise.resolve(true),
        limits: { ...QUICK_LIMITS, ...more.limits },
        ...(more.drained === undefined ? {} : { drained: more.drained }),
        ...(more.environment === undefined ? {} : { environment: more.environment }),
      });
      made.push(deploys);
      return deploys;
    },
    async request(id, behaviour) {
      const file = join(folder, `model-${id}.json`);
      await writeFile(file, JSON.stringify(behaviour));
      const uri = pathToFileURL(file).href;
      return {
        endpoint: RANKER,
        modelVersion: version(id),
        backend: backendName(RANKER, version(id)),
        artifact: { uri, digest: await artifacts.digest(uri) },
        serving: {
          parameters: {},
          local: { command: ["node", "server.mjs"], readiness: "/healthz" },
          directory: "serving/ranker",
        },
        repository: "acme/platform",
        commit: "0".repeat(40),
      };
    },
    async dispose() {
      await Promise.all(made.map((deploys) => deploys.close("end")));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What is recorded about a backend. */
export interface StoredBackend {
  readonly wanted: string;
  readonly launch: {
    readonly number: number;
    readonly port: number;
    readonly process: ProcessIdentity | null;
  } | null;
}

const recordFile = (servers: ModelServers, backend: string): string =>
  join(servers.folder, "backends", `${backend}.json`);

/** The record of a backend. */
export async function storedBackend(servers: ModelServers, backend: string): Promise<StoredBackend> {
  return JSON.parse(await readFile(recordFile(servers, backend), "utf8")) as StoredBackend;
}

/** Changes the record of a backend behind the adapter's back, as a crash would have left it. */
export async function forgeBackend(
  servers: ModelServers,
  backend: string,
  change: { readonly wanted?: string; readonly launch?: object },
): Promise<void> {
  const { launch, ...rest } = await storedBackend(servers, backend);
  const forged = { ...rest, ...change, launch: { ...launch, ...change.launch } };
  await writeFile(recordFile(servers, backend), JSON.stringify(forged));
}

/** The process that serves a backend, as recorded. */
export async function backendProcess(servers: ModelServers, backend: string): Promise<ProcessIdentity> {
  const { launch } = await storedBackend(servers, backend);
  if (launch?.process === null || launch === null) throw new Error("no process is recorded");
  return launch.process;
}

/** Kills what serves a backend, as a fault would. */
export async function killBackend(servers: ModelServers, backend: string): Promise<void> {
  process.kill((await backendProcess(servers, backend)).pid, "SIGKILL");
}

/** What the contract of deploys asks of these servers; `deploys` is the adapter, however it looks at them. */
export function deploysTrial(servers: ModelServers, deploys: Deploys): DeploysTrial {
  let made = 0;
  return {
    deploys,
    async request(kind) {
      made += 1;
      const request = await servers.request(made, { neverReady: kind === "never-ready" });
      return kind === "wrong-digest"
        ? { ...request, artifact: { ...request.artifact, digest: `sha256:${"0".repeat(64)}` } }
        : request;
    },
    starts: async (backend) => (await storedBackend(servers, backend)).launch?.number ?? 0,
    kill: (backend) => killBackend(servers, backend),
    dispose: () => servers.dispose(),
  };
}
