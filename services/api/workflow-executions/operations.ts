// What the Workflow Executions API does: create, look, list, cancel, call back.
import { failedPrecondition, invalidArgument, notFound } from "../../../shared/domain/errors.ts";
import { shortHash } from "../../../shared/domain/fact.ts";
import type { Caller } from "../../../shared/domain/role.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { WorkflowExecution, WorkflowExecutions } from "../../../shared/ports/workflow-executions.ts";
import type { PageTokens } from "../../../shared/runtime/page-token.ts";
import { parseFilter } from "./filter.ts";
import { orderOf } from "./order.ts";
import {
  basicExecution,
  callbackResource,
  fullExecution,
  type Parent,
  workflowName,
  workflowResource,
} from "./resource.ts";

/** Executions of one workflow that a list looks through, the newest. */
export const EXECUTIONS_LISTED_MAX = 10_000;
/** Entries of a page without a size, and at most, by view: what the executions API documents. */
export const EXECUTIONS_PAGE = { size: 100, basicMax: 1_000, fullMax: 100 } as const;
/** Bytes of an argument, as the executions API documents them (executions.proto): far fewer than all variables together may hold. */
export const ARGUMENT_BYTES_MAX = 32 * 1_024;

/** What the operations are made from. */
export interface WorkflowExecutionPorts {
  readonly workflows: WorkflowExecutions;
  readonly clock: Clock;
  readonly pageTokens: PageTokens;
}

/** Views, as they are asked for by name or number. */
export type View = "BASIC" | "FULL";

/** What a new execution may say. */
export interface CreateBody {
  readonly argument?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly callLogLevel?: string | undefined;
  readonly mayQueue: boolean;
}

/** What a list may ask. */
export interface ListQuery {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
  readonly view: View;
  readonly filter: string;
  readonly orderBy: string;
}

/** Letters that have no case or are small ones, numbers, `_` and `-`, in any script. */
const LABEL = /^[\p{Ll}\p{Lo}\p{N}_-]*$/u;

function requireLabels(labels: Readonly<Record<string, string>>): void {
  const wrong = Object.keys(labels).find((key) => !LABEL.test(labels[key] ?? ""));
  if (wrong === undefined) return;
  throw invalidArgument(
    `labels.${wrong}`,
    `labels.${wrong} may hold small letters, letters without case, numbers, \`_\` and \`-\`: write it with those.`,
    "INVALID_LABEL",
  );
}

function requireArgument(argument: string): void {
  if (Buffer.byteLength(argument) > ARGUMENT_BYTES_MAX)
    throw invalidArgument(
      "argument",
      `argument is longer than ${ARGUMENT_BYTES_MAX} bytes: pass a reference instead.`,
    );
  try {
    JSON.parse(argument);
  } catch {
    throw invalidArgument(
      "argument",
      "argument is no JSON text: encode it, as in JSON.stringify(value).",
      "INVALID_JSON",
    );
  }
}

/** The operations over these ports. */
export function createWorkflowOperations({ workflows, clock, pageTokens }: WorkflowExecutionPorts) {
  const find = async (parent: Parent, id: string): Promise<WorkflowExecution> => {
    const execution = await workflows.get(parent.workflow, id);
    if (execution === undefined)
      throw notFound(`${workflowName(parent)}/executions/${id}`, "List the executions of the workflow.");
    return execution;
  };
  const deployed = async (parent: Parent) => {
    const workflow = await workflows.workflow(parent.workflow);
    if (workflow === undefined) throw notFound(workflowName(parent), "Shipped workflows lie in workflows/.");
    return workflow;
  };
  const show = (parent: Parent, execution: WorkflowExecution, view: View) =>
    view === "BASIC"
      ? basicExecution(parent, execution)
      : fullExecution(parent, execution, workflows.currentSteps(execution.id));
  return {
    workflow: async (parent: Parent) => workflowResource(parent, await deployed(parent)),
    /** Two calls make two executions: the API has no request id. */
    async create(parent: Parent, body: CreateBody, { principal }: Caller, requestId: string) {
      await deployed(parent);
      const { argument = "null", labels = {}, callLogLevel = "", mayQueue } = body;
      requireArgument(argument);
      requireLabels(labels);
      const cause = `api/${shortHash("execution", principal, clock.now().toISOString(), requestId)}`;
      const { workflow } = parent;
      const request = { workflow, argument, labels, callLogLevel, mayQueue, cause };
      return show(parent, await workflows.create(request), "FULL");
    },
    get: async (parent: Parent, id: string, view: View) => show(parent, await find(parent, id), view),
    async list(parent: Parent, { pageSize = 0, pageToken, view, filter, orderBy }: ListQuery) {
      await deployed(parent);
      const question = [parent, view, filter, orderBy];
      const from = Number(pageTokens.read(question, pageToken) ?? 0);
      const wanted = parseFilter(filter);
      const most = view === "BASIC" ? EXECUTIONS_PAGE.basicMax : EXECUTIONS_PAGE.fullMax;
      const size = Math.min(pageSize === 0 ? EXECUTIONS_PAGE.size : pageSize, most);
      const all = (await workflows.list(parent.workflow, EXECUTIONS_LISTED_MAX))
        .filter((execution) => {
          const steps = workflows.currentSteps(execution.id).map(({ step }) => step);
          return wanted({ execution, steps });
        })
        .toSorted(orderOf(orderBy));
      const executions = all.slice(from, from + size).map((execution) => show(parent, execution, view));
      const next = from + size;
      const nextPageToken = next < all.length ? pageTokens.make(question, String(next)) : "";
      return { executions, nextPageToken };
    },
    async cancel(parent: Parent, id: string) {
      const { state } = await find(parent, id);
      if (state !== "ACTIVE" && state !== "QUEUED") {
        throw failedPrecondition(
          "EXECUTION_ENDED",
          `The execution ${id} is ${state}: only one that is ACTIVE or QUEUED can be cancelled.`,
          { state },
        );
      }
      await workflows.cancel(id);
      return show(parent, await find(parent, id), "FULL");
    },
    async callbacks(parent: Parent, id: string) {
      await find(parent, id);
      const callbacks = workflows.callbacks(id).map((callback) => callbackResource(parent, id, callback));
      return { callbacks, nextPageToken: "" };
    },
    deliver: workflows.deliver,
  };
}
