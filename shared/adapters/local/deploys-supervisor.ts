// Keeps one model server running: adopts it or starts it, starts it again when it ends, gives up after too many times.
import { isTransient } from "../../domain/errors.ts";
import type { BackendStatus } from "../../ports/deploys.ts";
import { live, type DeployLimits, type Life, type LifeParts } from "./deploys-life.ts";
import { logTail, type Running } from "./deploys-process.ts";
import { probe } from "./deploys-probe.ts";
import { backendFile, writeRecord, type BackendRecord } from "./deploys-record.ts";
import { adoptServer, startServer, type StartParts } from "./deploys-start.ts";
import type { BackendAddress } from "./gateway-handler.ts";

/** One supervised backend. */
export interface Supervisor {
  status(): BackendStatus;
  address(): BackendAddress;
  /** Resolves when it is known whether the backend of an earlier process of ours still serves. */
  readonly adopted: Promise<void>;
  /** Stops supervising and answers the last record; the server runs on. */
  leave(): Promise<BackendRecord>;
}

/** What supervising takes. */
export interface SupervisorParts extends StartParts {
  readonly limits: DeployLimits;
}

const says = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The changing part of a supervised backend. */
function createBackendState({ clock, directory }: SupervisorParts, first: BackendRecord) {
  let record = first;
  let everReady = false;
  let status: BackendStatus = { state: "preparing", message: "It is being started.", since: first.since };
  return {
    record: () => record,
    status: () => status,
    origin: () => `http://127.0.0.1:${record.launch?.port ?? 0}`,
    /** A version that has served and does not now is unready, never "preparing": its failures count. */
    down: (): "unready" | "preparing" => (everReady ? "unready" : "preparing"),
    become: (state: BackendStatus["state"], message: string): void => {
      if (state === "ready") everReady = true;
      const since = state === status.state ? status.since : clock.now().toISOString();
      status = { state, message, since };
    },
    async save(change: Partial<BackendRecord>): Promise<void> {
      record = { ...record, ...change };
      await writeRecord(directory, record);
    },
  };
}

type BackendState = ReturnType<typeof createBackendState>;

/** Starts the server unless it was found running, and looks after it to its end. */
async function oneLife(
  parts: SupervisorParts,
  backend: BackendState,
  stop: AbortSignal,
  found: Running | undefined,
): Promise<Life> {
  const { request } = backend.record();
  const log = backendFile(parts.directory, request.backend, "log");
  try {
    const running =
      found ?? (await startServer(parts, backend.record(), (launch) => backend.save({ launch })));
    if (running === undefined)
      return { message: `It ended at once. ${await logTail(log)}`.trim(), final: false, servedMs: 0 };
    const readiness = request.serving.local?.readiness ?? "/";
    const state = (): BackendStatus["state"] => backend.status().state;
    const life: LifeParts = {
      ...parts,
      log,
      readiness,
      origin: backend.origin(),
      stop,
      state,
      become: backend.become,
    };
    return await live(life, running);
  } catch (error) {
    return { message: says(error), final: !isTransient(error), servedMs: 0 };
  }
}

/** One life after the other, until nobody looks any more or it is given up. */
async function keepAlive(
  parts: SupervisorParts,
  backend: BackendState,
  stop: AbortSignal,
  found: Running | undefined,
): Promise<void> {
  const { clock, limits } = parts;
  let running = found;
  let restarts = 0;
  while (!stop.aborted) {
    const { message, final, servedMs } = await oneLife(parts, backend, stop, running);
    running = undefined;
    if (stop.aborted) return;
    restarts = servedMs >= limits.stableMs ? 1 : restarts + 1;
    if (final || restarts > limits.restartsMax) {
      await backend.save({ wanted: "failed", message, since: clock.now().toISOString() });
      return backend.become("failed", message);
    }
    backend.become(backend.down(), `${message} Restart ${restarts} of ${limits.restartsMax} follows.`);
    const pauseMs = Math.min(limits.restartPauseMs * 2 ** (restarts - 1), limits.restartPauseMsMax);
    await clock.sleep(pauseMs, stop);
  }
}

/** Supervises the backend of this record from now on. */
export function supervise(parts: SupervisorParts, record: BackendRecord): Supervisor {
  const stop = new AbortController();
  const backend = createBackendState(parts, record);

  async function adopt(): Promise<Running | undefined> {
    const running = await adoptServer(parts, record, stop.signal);
    if (running === undefined) return undefined;
    if (record.launch?.process === null)
      await backend.save({ launch: { ...record.launch, process: running.process } });
    const readiness = record.request.serving.local?.readiness ?? "/";
    const answer = await probe(backend.origin(), readiness, parts.limits.healthTimeoutMs);
    if (answer === "ready") backend.become("ready", "It was found running.");
    return running;
  }

  const adopting = adopt();
  const done = adopting
    .then((running) => keepAlive(parts, backend, stop.signal, running))
    .catch((error: unknown) => backend.become("failed", says(error)));

  return {
    status: backend.status,
    address: () => ({ state: backend.status().state, origin: backend.origin() }),
    adopted: adopting.then(
      () => undefined,
      () => undefined,
    ),
    async leave() {
      stop.abort();
      await done;
      return backend.record();
    },
  };
}
