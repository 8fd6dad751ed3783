// A control plane for serving in virtual time: real rollout service, real API routes, the real engine on the shipped canary,
// real SQLite; backends and their requests are simulated from the weights in the traffic document.
import { readFileSync } from "node:fs";
import { exchangeByFetch } from "./exchange.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { endpoint as endpointDecider } from "../../shared/domain/endpoint.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { model } from "../../shared/domain/model.ts";
import type { Metrics } from "../../shared/ports/metrics.ts";
import { createIdentity, hashToken } from "../../shared/runtime/identity.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { readTraffic } from "../../shared/runtime/traffic.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { createRollout } from "../../services/rollout/rollout.ts";
import { createWarmUps } from "../../services/rollout/warm-ups.ts";
import { turns } from "./clock.ts";
import { createMemoryTraffic } from "./memory-traffic.ts";
import {
  backendOf,
  type Behaviour,
  createBackends,
  createLoad,
  ENDPOINT,
  QUICK_POLICY,
  versionNamed,
} from "./simulated-serving.ts";
import { createWorld, type World } from "./world.ts";

/** Where the workflow reaches the API. */
export const API = "http://127.0.0.1:7420";
/** Turns of the event loop in which everything that one second has set off comes to rest. */
const TURNS_PER_SECOND = 250;

const TOKENS: Readonly<Record<string, "viewer" | "engineer" | "operator">> = {
  vic: "viewer",
  ada: "engineer",
  grace: "operator",
};

/** People by token; the token of the workflow service has the three parts of a signed one. */
function createPeople() {
  return createIdentity({
    readPrincipals: async () =>
      Object.entries(TOKENS).map(([name, role]) => ({
        principal: name,
        role,
        codeHostLogins: [],
        tokenHash: hashToken(name),
      })),
    verifyWorkflowToken: async (token) => (token === "a.workflow.token" ? "services/workflows" : undefined),
  });
}

/** An answer of the API, or its error. */
export type ApiBody = Record<string, unknown> & {
  error?: { details: { reason: string; metadata: Record<string, string> }[] };
};

/** What a serving world may share with the one before a restart. */
export interface ServingOptions {
  readonly path?: string;
  readonly start?: string;
  readonly traffic?: ReturnType<typeof createMemoryTraffic>;
  readonly behaviours?: Map<string, Behaviour>;
}

/** A serving world; `close` it when the test is finished. */
export function createServingWorld(options: ServingOptions = {}) {
  const traffic = options.traffic ?? createMemoryTraffic();
  const behaviours = options.behaviours ?? new Map<string, Behaviour>();
  const api = { down: false };
  const faults: { metrics?: "fail" | "never answer" } = {};
  const parts: { outside?: ReturnType<typeof outsideOf> } = {};
  const outsideOf = (ports: Pick<World, "db" | "clock" | "log">) => {
    const backends = createBackends(ports.clock, behaviours);
    const load = createLoad(backends);
    const metrics: Metrics = {
      samples: async (_, from, to) => {
        if (faults.metrics === "never answer") return new Promise(() => {});
        if (faults.metrics === "fail") throw new Error("the metrics are down");
        return load.samples.filter(({ time }) => time >= from && time <= to);
      },
    };
    const makeExecutions = () =>
      createExecutions({
        ...ports,
        workflow: (name) => (name === "canary" ? readFileSync("workflows/canary.yaml", "utf8") : undefined),
        identity: createWorkflowIdentity({ mint: async () => "a.workflow.token" }),
        exchange: exchangeByFetch((url, init) => request(url, init)),
      });
    return { backends, load, metrics, makeExecutions, executions: makeExecutions() };
  };
  const world = createWorld({
    ...(options.path === undefined ? {} : { path: options.path }),
    ...(options.start === undefined ? {} : { start: options.start }),
    services: (ports) => {
      const outside = outsideOf(ports);
      parts.outside = outside;
      const executions = {
        start: (order: Parameters<typeof outside.executions.start>[0]) => outside.executions.start(order),
        get: (id: string) => outside.executions.get(id),
        find: (cause: string) => outside.executions.find(cause),
        cancel: (id: string) => outside.executions.cancel(id),
      };
      return [
        createRollout({ ...ports, traffic, deploys: outside.backends.deploys, executions, api: () => API }),
      ];
    },
  });
  const { outside } = parts;
  if (outside === undefined) throw new Error("the world made no services");
  const warmUps = createWarmUps({ ...world, traffic, deploys: outside.backends.deploys });
  const ports = { ...world, traffic, deploys: outside.backends.deploys, metrics: outside.metrics };
  const app = createServer({ clock: world.clock, log: world.log, identity: createPeople() });
  void app.register(rolloutRoutes(ports));
  void app.register(endpointRoutes(ports));

  async function request(url: string, init: RequestInit): Promise<Response> {
    if (api.down)
      throw new TypeError("fetch failed", {
        cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
      });
    const { pathname, search } = new URL(url);
    const answer = await app.inject({
      method: init.method === "GET" ? "GET" : "POST",
      url: `${pathname}${search}`,
      headers: init.headers as Record<string, string>,
      ...(init.body === undefined || init.body === null
        ? {}
        : { payload: Buffer.from(init.body as Uint8Array) }),
    });
    return new Response(answer.rawPayload, {
      status: answer.statusCode,
      headers: { "content-type": String(answer.headers["content-type"]) },
    });
  }

  /** One second of life: requests, scrape, time, timers, reconcilers. */
  async function second(): Promise<void> {
    const { document } = await trafficNow();
    outside?.load.second(world.clock.now().toISOString(), document.weights);
    await world.clock.advance(1_000);
    await turns(TURNS_PER_SECOND);
    await world.settle();
    await world.reconcile();
    await warmUps();
    await turns(TURNS_PER_SECOND);
  }

  async function trafficNow() {
    const document = await readTraffic(traffic, ENDPOINT);
    return { document, weights: document.traffic.moves[0]?.to ?? {}, hold: document.traffic.hold };
  }

  return {
    ...world,
    traffic,
    metrics: outside.metrics,
    ports,
    app,
    api,
    faults,
    load: outside.load.load,
    backends: outside.backends,
    executions: () => outside.executions,
    behaviours,
    trafficNow,
    second,
    /** Lets seconds pass until something is so; fails after `max` virtual seconds. Answers how many passed. */
    async until(what: string, holds: () => Promise<boolean>, max = 120): Promise<number> {
      for (let passed = 0; passed <= max; passed += 1) {
        if (await holds()) return passed;
        await second();
      }
      throw new Error(
        `Not within ${max} virtual seconds: ${what}. ${JSON.stringify(world.log.lines.slice(-5))}`,
      );
    },
    /** A call of the API by a person (by token name) or the workflow. */
    async call(who: string, path: string, body?: unknown) {
      const answer = await app.inject({
        method: body === undefined ? "GET" : "POST",
        url: `/v1/${path}`,
        headers: {
          authorization: `Bearer ${who}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      const answered = answer.json<ApiBody>();
      return { status: answer.statusCode, body: answered, error: answered.error?.details[0] };
    },
    async configure(policy: unknown = QUICK_POLICY, standbyMs = 60_000) {
      const settings = {
        repository: "platform",
        commit: "c1",
        serving: {
          parameters: {},
          local: { command: ["node", "server.mjs"], readiness: "/healthz" },
          directory: ".",
        },
        rollout: policy,
        standbyMs,
      };
      await world.record(endpointDecider, {
        stream: ENDPOINT,
        cause: `configure/${JSON.stringify(policy).length}/${standbyMs}`,
        input: { kind: "configure", settings },
      });
      await world.settle();
    },
    /** Registers a version for the endpoint and verifies it. */
    async register(id: number, behaviour: Behaviour = {}) {
      behaviours.set(backendOf(id), behaviour);
      const digest = `sha256:${String(id).padStart(64, "0")}`;
      const stream = "teams/default/models/ranker";
      const artifact = { uri: `file:///models/${id}`, digest };
      const version = {
        model: stream,
        versionId: String(id),
        artifact,
        datasets: [],
        metrics: {},
        endpoint: ENDPOINT,
      };
      await world.record(model, { stream, cause: `create/${id}`, input: { kind: "create", ...version } });
      const input = { kind: "verified", modelVersion: versionNamed(id) } as const;
      await world.record(model, { stream, cause: `verify/${id}`, input });
      await world.settle();
      await turns(TURNS_PER_SECOND);
    },
    types: async (stream: string) => (await world.facts(stream)).map(({ type }: AnyFact) => type),
    rollout: async (name: string) => (await world.views.get("rollouts", name)) ?? {},
    endpoint: async () => (await world.views.get("endpoints", ENDPOINT)) ?? {},
    /** Drops the executions of this process, as a crash would, and takes them up again from the database. */
    async crashExecutions() {
      await outside.executions.close();
      outside.executions = outside.makeExecutions();
    },
    async close() {
      await outside.executions.close();
      await app.close();
      await world.close();
    },
  };
}

/** A serving world. */
export type ServingWorld = ReturnType<typeof createServingWorld>;
