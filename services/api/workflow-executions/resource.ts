// Executions, workflows and callbacks in the words of their REST API.
import type {
  DeployedWorkflow,
  WorkflowCallback,
  WorkflowExecution,
} from "../../../shared/ports/workflow-executions.ts";

/** Who contains an execution in the API's names; project and location are given back as they were asked. */
export interface Parent {
  readonly project: string;
  readonly location: string;
  readonly workflow: string;
}

/** `projects/…/locations/…/workflows/…`. */
export const workflowName = ({ project, location, workflow }: Parent): string =>
  `projects/${project}/locations/${location}/workflows/${workflow}`;

/** Seconds from start to end; undefined while it has not ended, or never started. */
export function durationSeconds({ startedAt, endedAt }: WorkflowExecution): number | undefined {
  if (startedAt === undefined || endedAt === undefined) return undefined;
  return (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
}

/** The metadata of an execution: what the view BASIC shows. */
export function basicExecution(parent: Parent, execution: WorkflowExecution) {
  const { id, state, createdAt, startedAt, endedAt, labels, revision, callLogLevel } = execution;
  const duration = durationSeconds(execution);
  return {
    name: `${workflowName(parent)}/executions/${id}`,
    createTime: createdAt,
    ...(startedAt === undefined ? {} : { startTime: startedAt }),
    ...(endedAt === undefined ? {} : { endTime: endedAt }),
    ...(duration === undefined ? {} : { duration: `${duration}s` }),
    state,
    workflowRevisionId: revision,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(callLogLevel === "" ? {} : { callLogLevel }),
  };
}

/** A whole execution: the view FULL. Numbers of 64 bits are text, as in every JSON of Google's APIs. */
export function fullExecution(
  parent: Parent,
  execution: WorkflowExecution,
  currentSteps: readonly { readonly routine: string; readonly step: string }[],
) {
  const { argument, result, error } = execution;
  const elements = error?.stackTrace.elements.map(
    ({ step, routine, position: { line, column, length } }) => ({
      step,
      routine,
      position: { line: String(line), column: String(column), length: String(length) },
    }),
  );
  return {
    ...basicExecution(parent, execution),
    argument,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined
      ? {}
      : {
          error: { payload: error.payload, context: error.context, stackTrace: { elements: elements ?? [] } },
        }),
    ...(currentSteps.length === 0 ? {} : { status: { currentSteps } }),
  };
}

/** A deployed workflow. */
export function workflowResource(parent: Parent, { revision, source }: DeployedWorkflow) {
  return {
    name: workflowName(parent),
    state: "ACTIVE",
    revisionId: revision,
    sourceContents: source,
  };
}

/** A callback that can still be called, with its whole URL. */
export function callbackResource(
  parent: Parent,
  execution: string,
  { id, method, url, waiting }: WorkflowCallback,
) {
  return {
    name: `${workflowName(parent)}/executions/${execution}/callbacks/${id}`,
    method,
    url,
    waiters: waiting ? "1" : "0",
  };
}
