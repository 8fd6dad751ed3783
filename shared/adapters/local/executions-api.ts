// Executions as the Workflow Executions API has them: created by hand, listed, looked into, called back.
import { activeCallbacks, currentSteps } from "../../../workflows/engine/engine.ts";
import { notFound } from "../../domain/errors.ts";
import type { NewWorkflowExecution, WorkflowExecutions } from "../../ports/workflow-executions.ts";
import { type createRunner, programOf } from "./executions-runner.ts";
import type { ExecutionStore } from "./executions-store.ts";

/** What the API is made from. */
export interface ExecutionsApiOptions {
  readonly store: ExecutionStore;
  readonly runner: Pick<ReturnType<typeof createRunner>, "machine" | "deliver">;
  /** Source text of a deployed workflow by name. */
  readonly source: (name: string) => string | undefined;
  /** Stores a new execution and runs it when there is room; answers its id. */
  readonly create: (request: NewWorkflowExecution) => Promise<string>;
  readonly cancel: (id: string) => Promise<void>;
  /** Where the callback endpoints of an execution answer now. */
  readonly callbackBase?: ((workflow: string, id: string) => string) | undefined;
}

/** The executions of this process and database behind the port of their API. */
export function createExecutionsApi(options: ExecutionsApiOptions): WorkflowExecutions {
  const { store, runner, source, create, cancel, callbackBase } = options;
  return {
    async create(request) {
      const id = await create(request);
      const execution = store.shown(id);
      if (execution === undefined) throw notFound(`The execution ${id}`, "Create it again.");
      return execution;
    },
    async get(workflow, id) {
      const execution = store.shown(id);
      return execution?.workflow === workflow ? execution : undefined;
    },
    list: async (workflow, limit) => store.latest(workflow, limit),
    cancel,
    currentSteps(id) {
      const machine = runner.machine(id);
      return machine === undefined
        ? []
        : currentSteps(machine).map(({ routine, step }) => ({ routine, step }));
    },
    callbacks(id) {
      const machine = runner.machine(id);
      return machine === undefined
        ? []
        : activeCallbacks(machine).map(({ id: callback, url, ...rest }) => {
            // The machine keeps the address of the process that started it; this one may answer elsewhere.
            const base = callbackBase?.(store.get(id)?.workflow ?? "", id);
            return { ...rest, id: callback, url: base === undefined ? url : `${base}/${callback}` };
          });
    },
    deliver(id, callback, { body, ...request }) {
      const content = body === undefined ? {} : { body: { encoding: "base64" as const, data: body } };
      return runner.deliver(id, callback, { ...request, ...content });
    },
    async workflow(name) {
      const text = source(name);
      if (text === undefined) return undefined;
      return { name, source: text, revision: store.revisionId(name, programOf(name, text).revision) };
    },
  };
}
