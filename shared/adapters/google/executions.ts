// Workflow executions on Cloud Workflows. Its CreateExecution has no request id: executions carry a label by which they are found
// again, and the first step of each shipped workflow claims its subject, so that a second one ends as a duplicate.
import { createHash } from "node:crypto";
import type { ExecutionsClient } from "@google-cloud/workflows/build/src/v1/index.js";
import type { Execution, Executions } from "../../ports/executions.ts";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";
import { type Calls, type CallsOptions, createCalls, isAmbiguous, listed, ONCE } from "./calls.ts";
import { toExecution, type WireExecution } from "./executions-wire.ts";

/** Executions of one cause that are looked at; more are duplicates of duplicates. FULL pages hold no more. */
export const EXECUTIONS_OF_CAUSE_MAX = 100;
/** Bytes of an argument (executions.proto: "The size limit is 32KB"). */
export const EXECUTION_ARGUMENT_BYTES_MAX = 32 * 1024;

/** What the adapter is made of. */
export interface CloudExecutionsOptions extends CallsOptions {
  readonly client: Pick<
    ExecutionsClient,
    "createExecution" | "getExecution" | "listExecutions" | "cancelExecution"
  >;
  readonly project: string;
  readonly location: string;
  /** Put before the name of each workflow: `signalbox-prod-` makes `canary` the workflow `signalbox-prod-canary`. */
  readonly prefix?: string;
  /** The shipped workflows: an execution's id alone does not say whose it is. */
  readonly workflows: readonly string[];
}

/** Label by which the executions of a cause are found: causes hold characters that labels may not. */
const LABEL = "idem";
/** The value of that label. */
export function labelOf(cause: string): string {
  return `c-${createHash("sha256").update(cause).digest("hex").slice(0, 32)}`;
}

const ID = /^[A-Za-z0-9_-]{1,150}$/;
const WORKFLOW = /^[A-Za-z0-9_-]{1,64}$/;

type Client = CloudExecutionsOptions["client"];

/** Oldest first; those that wait in the queue have no start yet and are the newest. */
function byAge(one: Execution, two: Execution): number {
  return one.startedAt < two.startedAt ? -1 : one.startedAt > two.startedAt ? 1 : one.id < two.id ? -1 : 1;
}

interface Place {
  readonly client: Client;
  readonly call: Calls;
  readonly parent: (workflow: string) => string;
  readonly read: (execution: WireExecution) => Execution;
}

/** The executions of a cause in one workflow, as far as the list knows them: it may be behind. */
async function listOf({ client, call, parent, read }: Place, workflow: string, cause: string) {
  const label = labelOf(cause);
  const request = {
    parent: parent(workflow),
    filter: `label="${LABEL}:${label}"`,
    view: "FULL" as const,
    pageSize: EXECUTIONS_OF_CAUSE_MAX,
  };
  const about = {
    method: "ListExecutions",
    doing: `Listing executions of ${workflow}`,
    resource: request.parent,
  };
  const found = await listed((page) =>
    call(about, () => client.listExecutions({ ...request, ...page }, ONCE)),
  );
  // Should the filter ever mean something else, then none is taken for ours that is not.
  const ours = (found as readonly WireExecution[]).filter(({ labels }) => labels?.[LABEL] === label);
  return ours.map(read).toSorted(byAge);
}

async function getFrom({ client, call, parent, read }: Place, workflow: string, id: string) {
  const name = `${parent(workflow)}/executions/${id}`;
  const about = { method: "GetExecution", doing: `Reading the execution ${id}`, resource: name };
  try {
    const [execution] = await call(about, () => client.getExecution({ name, view: "FULL" }, ONCE));
    return read(execution);
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function argumentText(argument: unknown): string {
  const text = JSON.stringify(argument ?? null);
  if (Buffer.byteLength(text) <= EXECUTION_ARGUMENT_BYTES_MAX) return text;
  const limit = `An execution's argument may have ${EXECUTION_ARGUMENT_BYTES_MAX} bytes`;
  throw invalidArgument("argument", `${limit}; this one has more. Pass a name and read the rest.`);
}

/** Executions of the shipped workflows on Cloud Workflows. */
export function createCloudExecutions(options: CloudExecutionsOptions): Executions {
  const { client, clock, project, location, workflows, prefix = "" } = options;
  const parent = (workflow: string) =>
    `projects/${project}/locations/${location}/workflows/${prefix}${workflow}`;
  const read = (execution: WireExecution) => toExecution(execution, clock.now().toISOString(), prefix);
  const place: Place = { client, call: createCalls(options), parent, read };
  const starting = new Map<string, Promise<Execution>>();

  const create = async (workflow: string, argument: string, cause: string): Promise<Execution> => {
    const [known] = await listOf(place, workflow, cause);
    if (known !== undefined) return known;
    const execution = {
      argument,
      labels: { [LABEL]: labelOf(cause) },
      callLogLevel: "LOG_ERRORS_ONLY" as const,
    };
    const about = {
      method: "CreateExecution",
      doing: `Starting ${workflow} for ${cause}`,
      resource: parent(workflow),
    };
    try {
      const [created] = await place.call(about, () =>
        client.createExecution({ parent: parent(workflow), execution }, ONCE),
      );
      return read(created);
    } catch (error) {
      // It may have started. Never a second create here: whoever asked us asks again later, and then the list is asked first.
      if (!isAmbiguous(error)) throw error;
      const [adopted] = await listOf(place, workflow, cause).catch(() => []);
      if (adopted === undefined) throw error;
      return adopted;
    }
  };

  /** The execution of an id, wherever it is. */
  const get = async (id: string): Promise<Execution | undefined> => {
    if (!ID.test(id)) return undefined;
    const found = await Promise.all(workflows.map((workflow) => getFrom(place, workflow, id)));
    return found.find((execution) => execution !== undefined);
  };

  return {
    async start({ workflow, argument, cause }) {
      if (!WORKFLOW.test(workflow))
        throw notFound(`The workflow ${JSON.stringify(workflow)}`, "Name a shipped one.");
      const text = argumentText(argument);
      const known = starting.get(cause);
      if (known !== undefined) return known;
      const start = create(workflow, text, cause).finally(() => starting.delete(cause));
      starting.set(cause, start);
      return start;
    },
    get,
    async find(cause) {
      const found = await Promise.all(workflows.map((workflow) => listOf(place, workflow, cause)));
      return found.flat().toSorted(byAge);
    },
    async cancel(id) {
      const execution = await get(id);
      if (execution === undefined)
        throw notFound(`The execution ${id}`, "Ask for the executions of its cause.");
      if (execution.endedAt !== undefined) return;
      const name = `${parent(execution.workflow)}/executions/${id}`;
      const about = { method: "CancelExecution", doing: `Cancelling the execution ${id}`, resource: name };
      try {
        await place.call(about, () => client.cancelExecution({ name }, ONCE));
      } catch (error) {
        // It ended meanwhile, or our first call was heard after all: what was wanted is so.
        const now = await get(id).catch(() => undefined);
        if (now?.endedAt === undefined) throw error;
      }
    },
  };
}
