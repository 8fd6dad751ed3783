// The whole path of a run in virtual time: real routes, real decider and ledger, the shipped workflow on the engine, a fake head.
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createData } from "../../services/data/data.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { Cluster } from "../../shared/ports/cluster.ts";
import type { Execution, Executions } from "../../shared/ports/executions.ts";
import type { Identity } from "../../shared/runtime/identity.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { createServer } from "../../shared/runtime/server.ts";
import {
  compile,
  createMemoryJournal,
  execute,
  failure,
  formatProblem,
  type EffectResult,
  type HttpRequest,
} from "../../workflows/engine/engine.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type RayFake, startRayFake } from "../support/ray-fake.ts";
import { createWorld, type WorldPorts } from "../support/world.ts";

const API = "http://api.test";
const FILE = "workflows/data-run.yaml";

type App = ReturnType<typeof createServer>;

/** Tokens of the test: role names. */
const identity: Identity = {
  authenticate: async (token) =>
    token === "workflow" || token === "engineer" || token === "viewer"
      ? { principal: token, role: token, codeHostLogins: [] }
      : undefined,
  find: async () => undefined,
};

async function overHttp(app: App, request: HttpRequest): Promise<EffectResult> {
  const answer = await app.inject({
    method: request.method as "POST",
    url: request.url.slice(API.length),
    headers: { ...request.headers, authorization: "Bearer workflow", host: "127.0.0.1" },
    ...(request.body === undefined ? {} : { payload: request.body.data }),
  });
  const headers = { "content-type": answer.headers["content-type"] ?? "" };
  return { kind: "http", status: answer.statusCode, headers, body: { encoding: "utf8", data: answer.body } };
}

/** Executions on the engine, in the world's time. `kill` drops one as a dead process would; `revive` resumes its journal. */
function executionsOn(ports: WorldPorts, app: () => App, advance: (ms: number) => Promise<void>) {
  const known = new Map<
    string,
    {
      execution: Execution;
      cause: string;
      journal: ReturnType<typeof createMemoryJournal>;
      stop: AbortController;
      argument: unknown;
    }
  >();
  let isCut = false;
  async function launch(id: string): Promise<void> {
    const entry = known.get(id);
    if (entry === undefined) throw new Error(`no execution ${id}`);
    const source = await readFile(FILE, "utf8");
    const compiled = compile(source, { file: FILE });
    if (!compiled.ok) throw new Error(compiled.problems.map(formatProblem).join("\n"));
    const outcome = await execute(compiled.program, {
      argument: JSON.stringify(entry.argument),
      env: { GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: id },
      seed: id,
      journal: entry.journal,
      signal: entry.stop.signal,
      perform: async (request) => {
        if (isCut) return failure("ConnectionError", "the process is gone");
        return request.kind === "http" ? overHttp(app(), request) : { kind: "done" };
      },
      clock: {
        now: () => ports.clock.now().getTime(),
        sleepUntil: (dueMs: number) => advance(Math.max(0, dueMs - ports.clock.now().getTime())),
      },
    });
    const endedAt = ports.clock.now().toISOString();
    if (outcome.state === "SUCCEEDED")
      entry.execution = {
        ...entry.execution,
        state: "SUCCEEDED",
        endedAt,
        result: JSON.parse(outcome.result),
      };
    else if (outcome.state === "FAILED")
      entry.execution = { ...entry.execution, state: "FAILED", endedAt, error: outcome.error };
    else entry.execution = { ...entry.execution, state: "CANCELLED", endedAt };
  }
  const executions: Executions = {
    async start({ workflow, argument, cause }) {
      const before = [...known.values()].find((entry) => entry.cause === cause);
      if (before !== undefined) return before.execution;
      const id = `execution-${known.size + 1}`;
      const execution: Execution = {
        id,
        workflow,
        state: "ACTIVE",
        startedAt: ports.clock.now().toISOString(),
      };
      known.set(id, {
        execution,
        cause,
        argument,
        journal: createMemoryJournal(),
        stop: new AbortController(),
      });
      return execution;
    },
    get: async (id) => known.get(id)?.execution,
    cancel: async (id) => known.get(id)?.stop.abort(),
    find: async (cause) =>
      [...known.values()].filter((entry) => entry.cause === cause).map((entry) => entry.execution),
  };
  return {
    executions,
    /** Runs an execution to its end (or on from where its journal stops). */
    launch,
    /** Starts a second execution for the same run, as an API that promises nothing may do. */
    duplicate: async (id: string): Promise<string> => {
      const first = known.get(id);
      if (first === undefined) throw new Error(`no execution ${id}`);
      const other = await executions.start({
        workflow: "data-run",
        argument: first.argument,
        cause: `${first.cause}#2`,
      });
      return other.id;
    },
    journalOf: (id: string) => known.get(id)?.journal.entries ?? [],
    resultOf: (id: string) => known.get(id)?.execution,
    cut: (cut: boolean) => {
      isCut = cut;
    },
  };
}

/** A world with API, data service, views and a fake head. `hasRay: false` is an installation without Ray. */
export async function createRunWorld(
  options: {
    readonly hasRay?: boolean;
    readonly work?: (output: string) => Promise<void>;
    /** A real head instead of the fake one; sleeps then take their time. */
    readonly head?: { readonly address: string; readonly token?: string };
    /** Another cluster and other artifacts than those of one machine; a sleep then waits for this. */
    readonly elsewhere?: { readonly cluster: Cluster; readonly artifacts: Artifacts; pass(): Promise<void> };
  } = {},
) {
  const folder = temporaryFolder();
  const output = join(folder, "out");
  const ray: RayFake = await startRayFake({ work: { job: async () => options.work?.(output) } });
  onTestFinished(() => ray.close());
  const head = options.head ?? { address: ray.address };
  const { elsewhere } = options;
  const cluster: Cluster =
    elsewhere?.cluster ?? createCluster(options.hasRay === false ? { address: undefined } : head);
  const artifacts = elsewhere?.artifacts ?? createArtifacts({ roots: [folder] });
  let app: App | undefined;
  let engine: ReturnType<typeof executionsOn> | undefined;
  const later = { executions: undefined as Executions | undefined };
  const world = createWorld({
    services: (ports) => {
      const executions: Executions = {
        start: async (request) => (await later.executions?.start(request)) as Execution,
        get: async (id) => later.executions?.get(id),
        cancel: async (id) => later.executions?.cancel(id),
        find: async (cause) => (await later.executions?.find(cause)) ?? [],
      };
      const projector = createProjector(ports, REGISTRY_VIEWS);
      return [
        createData({ ...ports, executions, cluster, api: () => API }),
        { name: "registry-views", inputs: projector.inputs, handle: (fact) => projector.handle(fact) },
      ];
    },
  });
  onTestFinished(() => world.close());
  const server = createServer({ clock: world.clock, log: world.log, identity });
  await server.register(runRoutes({ ...world, cluster, artifacts }));
  await server.ready();
  onTestFinished(() => server.close());
  app = server;
  const pass = async (ms: number): Promise<void> => {
    if (options.head !== undefined) await sleep(ms);
    await elsewhere?.pass();
    await world.advance(ms);
  };
  engine = executionsOn(world, () => app ?? server, pass);
  later.executions = engine.executions;

  const call = (token: string) => async (method: "GET" | "POST", url: string, payload?: object) => {
    const answer = await server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}`, host: "127.0.0.1" },
      ...(payload === undefined ? {} : { payload }),
    });
    const isJson = String(answer.headers["content-type"]).includes("json");
    return { status: answer.statusCode, body: isJson ? answer.json<Record<string, unknown>>() : answer.body };
  };
  return {
    ...world,
    ...engine,
    cluster,
    ray,
    folder,
    output,
    outputUri: pathToFileURL(output).href,
    as: { engineer: call("engineer"), viewer: call("viewer"), workflow: call("workflow") },
  };
}
