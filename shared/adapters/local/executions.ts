// Workflow executions on our own engine: real shipped YAML, journals in SQLite, going on after a restart where they were.
import { randomUUID } from "node:crypto";
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import { shortHash } from "../../domain/fact.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Executions } from "../../ports/executions.ts";
import type { Log } from "../../runtime/log.ts";
import type { Database } from "./database.ts";
import type { HttpOptions } from "./executions-http.ts";
import { createRunner, programOf } from "./executions-runner.ts";
import { createExecutionStore, EXECUTIONS_ACTIVE_MAX, type NewExecution } from "./executions-store.ts";

/** What local executions are made from. */
export interface ExecutionsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Source text of a shipped workflow by name; undefined when there is none. */
  readonly workflow: (name: string) => string | undefined;
  /** A token of the workflow service for calls to `audience`, the base URL of the API. */
  readonly mint: HttpOptions["mint"];
  /** Which workflows' executions `resume` takes up; default: all. Processes that share a database must not share a workflow. */
  readonly takesUp?: (workflow: string) => boolean;
  /** How requests leave the process; default: `fetch`. */
  readonly fetch?: HttpOptions["fetch"];
}

/** Executions of this process. */
export interface LocalExecutions extends Executions {
  /** Goes on with every execution that has not ended. Call it once, when the API answers. Answers how many there were. */
  resume(): Promise<number>;
  /** Stops without ending anything: what is under way goes on after the next `resume`, in whatever process. */
  close(): Promise<void>;
}

/** A new execution of a workflow, pinned to its source as shipped now. Its id follows from its cause. */
function newExecution(
  { workflow, clock }: ExecutionsOptions,
  { workflow: name, argument, cause }: Parameters<Executions["start"]>[0],
): NewExecution {
  const source = workflow(name);
  if (source === undefined) throw notFound(`The workflow ${name}`, "Shipped workflows lie in workflows/.");
  return {
    id: `${name}-${shortHash(cause)}`,
    workflow: name,
    cause,
    revision: programOf(name, source).revision,
    source,
    seed: randomUUID(),
    argument: JSON.stringify(argument ?? null),
    started: clock.now().toISOString(),
  };
}

/** Executions on the engine, in this database. */
export function createExecutions(options: ExecutionsOptions): LocalExecutions {
  const { db, clock, log, mint, takesUp = () => true, fetch = globalThis.fetch } = options;
  const store = createExecutionStore(db);
  const runner = createRunner({ store, clock, log, http: { mint, fetch } });
  return {
    async start(request) {
      const fresh = newExecution(options, request);
      const inserted = await store.insert(fresh);
      if (inserted === "full") {
        throw new ControlPlaneError(
          "RESOURCE_EXHAUSTED",
          `${EXECUTIONS_ACTIVE_MAX} executions are at work: wait until one has ended, or cancel one.`,
          { reason: "EXECUTIONS_ACTIVE_MAX" },
        );
      }
      if (inserted === "inserted") runner.run(fresh);
      const [execution] = store.find(request.cause);
      if (execution === undefined) throw notFound(fresh.id, "Start it again.");
      return execution;
    },
    get: async (id) => store.get(id),
    find: async (cause) => store.find(cause),
    async cancel(id) {
      const execution = store.get(id);
      if (execution === undefined)
        throw notFound(`The execution ${id}`, "Ask for the executions of its cause.");
      if (execution.state === "ACTIVE") await runner.cancel(id);
    },
    async resume() {
      const active = store.active().filter(({ id, workflow }) => takesUp(workflow) && !runner.isTaken(id));
      for (const execution of active) runner.run(execution);
      return active.length;
    },
    close: () => runner.close(),
  };
}
