// Workflow executions on our own engine: real shipped YAML, journals in SQLite, going on after a restart where they were.
import { randomUUID } from "node:crypto";
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import { shortHash } from "../../domain/fact.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Executions } from "../../ports/executions.ts";
import type { WorkflowExecutions } from "../../ports/workflow-executions.ts";
import type { WorkflowIdentity } from "../../ports/workflow-identity.ts";
import type { Log } from "../../runtime/log.ts";
import type { Database } from "./database.ts";
import { createExecutionsApi } from "./executions-api.ts";
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
  /** Tokens for requests with `auth`. */
  readonly identity: WorkflowIdentity;
  /** Which workflows' executions `resume` takes up; default: all. Processes that share a database must not share a workflow. */
  readonly takesUp?: (workflow: string) => boolean;
  /** Where a URL of a workflow is now; default: where it says. */
  readonly locate?: HttpOptions["locate"];
  /** How requests leave the process; default: over the network. */
  readonly exchange?: HttpOptions["exchange"];
  /** The seed of a new execution, from which its identifiers and its chance come; default: a random one. */
  readonly newSeed?: () => string;
  /** Where the callback endpoints of an execution answer, without a slash at the end. */
  readonly callbackBase?: (workflow: string, id: string) => string;
  /** Executions that may be at work at one time; default: EXECUTIONS_ACTIVE_MAX. */
  readonly activeMax?: number;
}

/** Executions of this process. */
export interface LocalExecutions extends Executions {
  /** The same executions as the Workflow Executions API has them. */
  readonly api: WorkflowExecutions;
  /** Goes on with every execution that has not ended. Call it once, when the API answers. Answers how many there were. */
  resume(): Promise<number>;
  /** Stops without ending anything: what is under way goes on after the next `resume`, in whatever process. */
  close(): Promise<void>;
}

/** A new execution of a workflow, pinned to its source as shipped now. Its id follows from its cause; the argument is JSON text. */
function newExecution(
  { workflow, clock, newSeed = randomUUID }: ExecutionsOptions,
  { workflow: name, argument, cause }: { workflow: string; argument: string; cause: string },
): NewExecution {
  const source = workflow(name);
  if (source === undefined) throw notFound(`The workflow ${name}`, "Shipped workflows lie in workflows/.");
  return {
    id: `${name}-${shortHash(cause)}`,
    workflow: name,
    cause,
    revision: programOf(name, source).revision,
    source,
    seed: newSeed(),
    argument,
    created: clock.now().toISOString(),
  };
}

const tooMany = (activeMax: number): ControlPlaneError =>
  new ControlPlaneError(
    "RESOURCE_EXHAUSTED",
    `${activeMax} executions are at work: wait until one has ended, or cancel one.`,
    { reason: "EXECUTIONS_ACTIVE_MAX" },
  );

/** Executions on the engine, in this database. */
export function createExecutions(options: ExecutionsOptions): LocalExecutions {
  const { db, clock, log, identity, takesUp = () => true, locate, exchange } = options;
  const { activeMax = EXECUTIONS_ACTIVE_MAX, callbackBase } = options;
  const store = createExecutionStore(db);
  const promote = async (): Promise<void> => {
    if (!store.hasQueued()) return;
    for (const execution of await store.promote(clock.now().toISOString(), activeMax, takesUp))
      runner.run(execution);
  };
  const onEnd = (): void => {
    promote().catch((error: unknown) =>
      log.error({ error }, "A queued execution starts when the next one has ended only."),
    );
  };
  const callbacks = callbackBase === undefined ? {} : { callbackBase };
  const http = {
    identity,
    ...(locate === undefined ? {} : { locate }),
    ...(exchange === undefined ? {} : { exchange }),
  };
  const runner = createRunner({ store, clock, log, http, onEnd, ...callbacks });
  /** Stores a new execution and runs it, unless its cause has one or it must wait. */
  const begin = async (fresh: NewExecution, mayQueue: boolean): Promise<void> => {
    const inserted = await store.insert(fresh, { activeMax, mayQueue });
    if (inserted === "full") throw tooMany(activeMax);
    if (inserted === "inserted") runner.run(fresh);
  };
  const cancel = async (id: string): Promise<void> => {
    const execution = store.get(id);
    if (execution === undefined)
      throw notFound(`The execution ${id}`, "Ask for the executions of its cause.");
    if (execution.state === "ACTIVE" || execution.state === "QUEUED") await runner.cancel(id);
  };
  return {
    async start(request) {
      const argument = JSON.stringify(request.argument ?? null);
      const fresh = newExecution(options, { ...request, argument });
      await begin(fresh, false);
      const [execution] = store.find(request.cause);
      if (execution === undefined) throw notFound(fresh.id, "Start it again.");
      return execution;
    },
    get: async (id) => store.get(id),
    find: async (cause) => store.find(cause),
    cancel,
    api: createExecutionsApi({
      store,
      runner,
      cancel,
      callbackBase,
      source: options.workflow,
      create: async ({ labels, callLogLevel, mayQueue, ...request }) => {
        const fresh = { ...newExecution(options, request), labels, callLogLevel };
        await begin(fresh, mayQueue);
        return fresh.id;
      },
    }),
    async resume() {
      const active = store.active().filter(({ id, workflow }) => takesUp(workflow) && !runner.isTaken(id));
      for (const execution of active) runner.run(execution);
      await promote();
      return active.length;
    },
    close: () => runner.close(),
  };
}
