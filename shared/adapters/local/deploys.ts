// Deploys on one machine: every backend is a detached model server, found again after a restart, never started twice.
import { mkdir } from "node:fs/promises";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { BackendStatus, Deploys, ReleaseRequest } from "../../ports/deploys.ts";
import { DEPLOY_LIMITS, type DeployLimits } from "./deploys-life.ts";
import { endProcess } from "./deploys-process.ts";
import { probe } from "./deploys-probe.ts";
import { readRecords, writeRecord, type BackendRecord } from "./deploys-record.ts";
import { adoptServer, type StartParts } from "./deploys-start.ts";
import { supervise, type Supervisor } from "./deploys-supervisor.ts";
import type { BackendAddress } from "./gateway-handler.ts";

/** What the adapter is made of. */
export interface LocalDeploysOptions extends StartParts {
  /** Whether a backend has weight 0 and nothing in flight, waited for up to `timeoutMs`: the gateway knows. */
  readonly drained: (backend: string, timeoutMs: number) => Promise<boolean>;
  readonly limits?: Partial<DeployLimits>;
}

/** Deploys on this machine. */
export interface LocalDeploys extends Deploys {
  /** Finds the backends of an earlier process again; resolves when those that run have been asked whether they are ready. */
  start(): Promise<void>;
  /** Where a backend listens, for the gateway; from memory. */
  address(backend: string): BackendAddress;
  /** Stops supervising. `leave`: servers run on and are found by the next start. `end`: they are ended, and started again by it. */
  close(mode: "leave" | "end"): Promise<void>;
}

interface Entry {
  record: BackendRecord;
  /** While it is wanted running, or was given up by this process. */
  supervisor: Supervisor | undefined;
  /** Resolves when the record is durable. */
  recorded: Promise<void>;
}

const UNKNOWN: BackendStatus = { state: "unknown", message: "No such backend was prepared here.", since: "" };

function stillServing(backend: string, drainTimeoutMs: number): ControlPlaneError {
  return new ControlPlaneError(
    "UNAVAILABLE",
    `${backend} has weight or requests in flight after ${drainTimeoutMs} ms: move its traffic away, then retire it again.`,
    { reason: "NOT_DRAINED", metadata: { backend } },
  );
}

/** A status without asking the server. */
function known({ record, supervisor }: Entry): BackendStatus {
  if (supervisor !== undefined) return supervisor.status();
  const state = record.wanted === "running" ? "preparing" : record.wanted;
  return { state, message: record.message, since: record.since };
}

/** A server that was ready at the last look is asked again: dead is known at once, silence is unknown. */
async function asked(entry: Entry, timeoutMs: number): Promise<BackendStatus> {
  const status = known(entry);
  const { origin } = entry.supervisor?.address() ?? {};
  if (status.state !== "ready" || origin === undefined) return status;
  const answer = await probe(origin, entry.record.request.serving.local?.readiness ?? "/", timeoutMs);
  if (answer === "ready") return status;
  if (answer === "silent")
    return { ...status, state: "unknown", message: `It did not answer within ${timeoutMs} ms.` };
  return { ...status, state: "unready", message: `Its readiness is: ${answer}.` };
}

type Parts = LocalDeploysOptions & { readonly limits: DeployLimits };

/** Ends the server of a record, if it runs. */
async function endServer(parts: Parts, record: BackendRecord): Promise<void> {
  const running = await adoptServer(parts, record, AbortSignal.abort());
  if (running !== undefined) await endProcess(running.process, parts.limits.stopGraceMs, parts.clock);
}

/** Makes the record durable, then supervises. */
async function begin(parts: Parts, entry: Entry): Promise<void> {
  await mkdir(parts.directory, { recursive: true, mode: 0o700 });
  await writeRecord(parts.directory, entry.record);
  entry.supervisor = supervise(parts, entry.record);
}

/** Waits for the last request, then ends the server. What failed or was retired has none. */
async function retire(parts: Parts, backend: string, entry: Entry): Promise<void> {
  const { drainTimeoutMs } = parts.limits;
  if (entry.record.wanted === "cold") return;
  if (!(await parts.drained(backend, drainTimeoutMs))) throw stillServing(backend, drainTimeoutMs);
  await entry.recorded;
  const last = (await entry.supervisor?.leave()) ?? entry.record;
  const since = parts.clock.now().toISOString();
  // Durable before the signal: a restart in between ends the server instead of starting it again.
  entry.record = { ...last, wanted: "cold", message: "It was retired.", since };
  entry.supervisor = undefined;
  await writeRecord(parts.directory, entry.record);
  await endServer(parts, entry.record);
}

/** Deploys in `directory`. Call `start` once before anything else. A backend that failed stays failed until it is retired. */
export function createDeploys(options: LocalDeploysOptions): LocalDeploys {
  const parts: Parts = { ...options, limits: { ...DEPLOY_LIMITS, ...options.limits } };
  const entries = new Map<string, Entry>();
  const retiring = new Map<string, Promise<void>>();

  const prepare = async (request: ReleaseRequest): Promise<void> => {
    const { backend } = request;
    await retiring.get(backend)?.catch(() => undefined);
    const before = entries.get(backend);
    if (before !== undefined && before.record.wanted !== "cold") return before.recorded;
    const since = parts.clock.now().toISOString();
    const launch = before?.record.launch ?? null;
    const message = "It is being started.";
    const record: BackendRecord = { schema: 1, request, wanted: "running", message, since, launch };
    const entry: Entry = { record, supervisor: undefined, recorded: Promise.resolve() };
    entries.set(backend, entry);
    entry.recorded = begin(parts, entry).catch((error: unknown) => {
      if (before === undefined) entries.delete(backend);
      else entries.set(backend, before);
      throw error;
    });
    return entry.recorded;
  };

  return {
    async start() {
      for (const record of await readRecords(parts.directory)) {
        const supervisor = record.wanted === "running" ? supervise(parts, record) : undefined;
        entries.set(record.request.backend, { record, supervisor, recorded: Promise.resolve() });
        if (supervisor === undefined) await endServer(parts, record);
      }
      await Promise.all(
        [...entries.values()].map(({ supervisor }) => supervisor?.adopted ?? Promise.resolve()),
      );
    },
    prepare,
    async warm(backend) {
      const entry = entries.get(backend);
      if (entry === undefined) return false;
      await prepare(entry.record.request);
      return true;
    },
    async status(backend, timeoutMs) {
      const entry = entries.get(backend);
      return entry === undefined ? UNKNOWN : asked(entry, timeoutMs);
    },
    retire(backend) {
      const entry = entries.get(backend);
      const before = retiring.get(backend);
      if (entry === undefined || before !== undefined) return before ?? Promise.resolve();
      const done = retire(parts, backend, entry).finally(() => retiring.delete(backend));
      retiring.set(backend, done);
      return done;
    },
    address(backend) {
      const entry = entries.get(backend);
      if (entry === undefined) return { state: "unknown" };
      return entry.supervisor?.address() ?? { state: known(entry).state };
    },
    async close(mode) {
      await Promise.all(
        [...entries.values()].map(async ({ supervisor }) => {
          const last = await supervisor?.leave();
          if (last !== undefined && mode === "end") await endServer(parts, last);
        }),
      );
    },
  };
}
