// Backends and their requests in virtual time, simulated from the weights in the traffic document.
import { backendName } from "../../shared/domain/backend.ts";
import { rolloutName } from "../../shared/domain/rollout-name.ts";
import type { BackendStatus, Deploys, ReleaseRequest } from "../../shared/ports/deploys.ts";
import type { CounterSample } from "../../shared/ports/metrics.ts";

/** The endpoint of these tests. */
export const ENDPOINT = "teams/default/endpoints/ranker";
/** Simulated requests per second to the endpoint. */
const REQUESTS_PER_SECOND = 200;
const START_MS = 500;

/** Model version n of the ranker. */
export const versionNamed = (id: number | string) => `teams/default/models/ranker/versions/${id}`;
/** The first rollout of version n. */
export const rolloutOf = (id: number | string, attempt = 1) =>
  rolloutName(ENDPOINT, versionNamed(id), attempt);
/** The backend of version n. */
export const backendOf = (id: number | string) => backendName(ENDPOINT, versionNamed(id));

/** The policy of the tour: quick, with the statistics of the default. */
export const QUICK_POLICY = {
  steps: [5, 25, 50],
  step: { minSeconds: 5, minRequests: 40 },
  timeLimit: "5m",
  judge: {
    window: "1s",
    look: "1s",
    scrape: "1s",
    errors: { tolerance: 0.01, margin: 1.25, unacceptable: 2 },
  },
};

/** How a version behaves; all fields default to a good one. */
export interface Behaviour {
  readonly readyMs?: number;
  /** Share of its requests that it fails. */
  readonly errorRate?: number;
  /** Its release fails with this message. */
  readonly fails?: string;
}

interface Backend {
  readonly request: ReleaseRequest;
  state: BackendStatus["state"];
  message: string;
  readyAt: number;
  starts: number;
}

/** How strict the backends are. */
export interface BackendOptions {
  /** A backend that is not ready by then has failed; default: never. */
  readonly readyTimeoutMs?: number;
  /** The digest of an artifact as it lies there; default: always the one that was asked for. */
  readonly digest?: (uri: string) => string | undefined;
}

/** Backends that become ready after their time, in memory. */
export function createBackends(
  clock: { now(): Date },
  behaviours: Map<string, Behaviour>,
  { readyTimeoutMs = Infinity, digest = () => undefined }: BackendOptions = {},
) {
  const backends = new Map<string, Backend>();
  const prepared: string[] = [];
  const retired: string[] = [];
  const behaviourOf = (backend: string): Behaviour => behaviours.get(backend) ?? {};
  const start = (
    backend: Backend,
    readyMs = behaviourOf(backend.request.backend).readyMs ?? START_MS,
  ): void => {
    backend.state = "preparing";
    backend.readyAt = clock.now().getTime() + readyMs;
    backend.starts += 1;
    if (readyMs > readyTimeoutMs) backend.message = `It never became ready in ${readyTimeoutMs} ms.`;
  };
  const stateOf = (name: string): BackendStatus["state"] => {
    const known = backends.get(name);
    if (known === undefined) return "unknown";
    if (known.state === "cold" || known.state === "failed") return known.state;
    if (behaviourOf(name).fails !== undefined) return "failed";
    const missingMs = known.readyAt - clock.now().getTime();
    if (missingMs <= 0) return "ready";
    const waitedMs = (behaviourOf(name).readyMs ?? 0) - missingMs;
    if (waitedMs < readyTimeoutMs) return "preparing";
    known.state = "failed";
    return "failed";
  };
  const deploys: Deploys = {
    async prepare(request) {
      const state = stateOf(request.backend);
      if (state !== "unknown" && state !== "cold") return;
      const known = backends.get(request.backend);
      const backend: Backend = known ?? { request, state: "preparing", message: "", readyAt: 0, starts: 0 };
      backends.set(request.backend, backend);
      prepared.push(request.backend);
      const found = digest(request.artifact.uri) ?? request.artifact.digest;
      if (found === request.artifact.digest) return start(backend);
      backend.state = "failed";
      backend.message = `The artifact's digest is ${found}.`;
    },
    async status(backend) {
      const state = stateOf(backend);
      const message = behaviourOf(backend).fails ?? backends.get(backend)?.message ?? "";
      return { state, message, since: clock.now().toISOString() };
    },
    async warm(backend) {
      const known = backends.get(backend);
      if (known === undefined) return false;
      await deploys.prepare(known.request);
      return true;
    },
    async retire(backend) {
      const known = backends.get(backend);
      if (known !== undefined) known.state = "cold";
      retired.push(backend);
    },
  };
  const kill = (backend: string): void => {
    const known = backends.get(backend);
    if (known !== undefined) known.state = "failed";
  };
  /** A backend dies and is started again, which takes this long. */
  const restart = (backend: string, readyMs?: number): void => {
    const known = backends.get(backend);
    if (known !== undefined && stateOf(backend) === "ready") start(known, readyMs);
  };
  const startsOf = (backend: string): number => backends.get(backend)?.starts ?? 0;
  const forget = (): void => backends.clear();
  return { deploys, prepared, retired, stateOf, behaviourOf, kill, restart, startsOf, forget };
}

/** Requests by weight, one second at a time, counted as a gateway would. */
export function createLoad(backends: ReturnType<typeof createBackends>) {
  const counters = new Map<string, { requests: number; errors: number; owed: number }>();
  const samples: CounterSample[] = [];
  const load = { requestsPerSecond: REQUESTS_PER_SECOND, unserved: 0 };
  return {
    load,
    samples,
    second(time: string, weights: Readonly<Record<string, number>>) {
      for (const [backend, percent] of Object.entries(weights)) {
        const counter = counters.get(backend) ?? { requests: 0, errors: 0, owed: 0 };
        counters.set(backend, counter);
        const requests = Math.round((load.requestsPerSecond * percent) / 100);
        const dead = backends.stateOf(backend) !== "ready";
        if (dead) load.unserved += requests;
        counter.owed += requests * (dead ? 1 : (backends.behaviourOf(backend).errorRate ?? 0));
        const errors = Math.floor(counter.owed);
        counter.owed -= errors;
        counter.requests += requests;
        counter.errors += errors;
      }
      for (const [backend, { requests, errors }] of counters) {
        samples.push({ time, backend, instance: "gateway-1", requests, errors });
      }
    },
  };
}
