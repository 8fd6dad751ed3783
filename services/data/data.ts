// The data service: starts the workflow of a run, ends what took too long, stops jobs nobody waits for, keeps what they made.
import { dataset } from "../../shared/domain/dataset.ts";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { parseName } from "../../shared/domain/names.ts";
import { run, RUN_DEADLINE_TIMER, RUN_STOP_TIMER, submissionIdOf } from "../../shared/domain/run.ts";
import { outputOfRun } from "../../shared/domain/run-output.ts";
import type { Cluster } from "../../shared/ports/cluster.ts";
import type { Execution, Executions } from "../../shared/ports/executions.ts";
import type { Views } from "../../shared/ports/views.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { load, record, type RecordPorts } from "../../shared/runtime/record.ts";
import { inputsOf, withViews } from "../../shared/runtime/with-views.ts";
import { ACTIVE_RUNS_COLLECTION, DATA_VIEWS } from "./views.ts";

/** The shipped workflow that sequences a run. */
export const RUN_WORKFLOW = "data-run";
/** Reason of a run whose workflow ended without ending the run. */
export const EXECUTION_FAILED = "EXECUTION_FAILED";
/** Runs that one reconciliation looks at; the next one goes on after them. */
export const RECONCILED_RUNS_MAX = 100;

const ACTOR = "services/data";
const REACTS_TO = [
  "run.requested",
  "run.finished",
  "run.failed",
  "run.cancelled",
  "run.timed-out",
  "run.lost",
  "timer.due",
] as const satisfies readonly FactType[];

/** What this service asks to be told. */
export const DATA_INPUTS = inputsOf(REACTS_TO, DATA_VIEWS);

/** Ends after which the job may still run. */
const STOPPING: ReadonlySet<FactType> = new Set(["run.cancelled", "run.timed-out", "run.lost"]);

const TERMINAL: ReadonlySet<Execution["state"]> = new Set(["SUCCEEDED", "FAILED", "CANCELLED"]);

/** What the data service touches. */
export interface DataPorts extends RecordPorts {
  readonly executions: Executions;
  readonly cluster: Cluster;
  readonly views: Views;
  /** Base URL of the API for workflows, known when it listens. */
  api(): string;
}

async function start(ports: DataPorts, { subject }: FactOf<"run.requested">): Promise<void> {
  const { state } = await load(ports.ledger, run, subject);
  if (state.phase !== "requested") return;
  const argument = { api: ports.api(), run: subject };
  await ports.executions.start({ workflow: RUN_WORKFLOW, argument, cause: subject });
}

const isTimer = ({ data, subject }: FactOf<"timer.due">, name: string): boolean =>
  data.name === name && parseName("run", subject) !== undefined;

async function timeOut(ports: DataPorts, fact: FactOf<"timer.due">): Promise<void> {
  if (!isTimer(fact, RUN_DEADLINE_TIMER)) return;
  const { subject: stream, id: cause } = fact;
  await record(ports, run, { stream, cause, input: { kind: "time-out", run: stream }, actor: ACTOR });
}

/** Stops the job of a run that ended while it may still be running. An absent or ended job is stopped already. */
async function stop(ports: DataPorts, subject: string): Promise<void> {
  const { state } = await load(ports.ledger, run, subject);
  if (state.phase === "absent" || ports.cluster.address === undefined) return;
  await ports.cluster.stop(submissionIdOf(subject, state.requestedAt));
}

async function keepOutput(ports: DataPorts, fact: FactOf<"run.finished">): Promise<void> {
  const { state } = await load(ports.ledger, run, fact.subject);
  const output = outputOfRun(state, fact);
  if (output === undefined) return;
  await record(ports, dataset, { ...output, cause: fact.id, correlation: fact.correlation, actor: ACTOR });
}

/** Ends a run whose executions are all over; it would otherwise wait for its time limit. */
async function abandon(ports: DataPorts, name: string): Promise<void> {
  const executions = await ports.executions.find(name);
  const last = executions.at(-1);
  if (last === undefined || executions.some(({ state }) => !TERMINAL.has(state))) return;
  const why = last.error === undefined ? "" : `: ${last.error.payload.slice(0, 500)}`;
  const failure = {
    reason: EXECUTION_FAILED,
    message: `The workflow execution ${last.id} of ${name} is ${last.state} without having ended the run${why}`,
    nextStep: "Look at the execution's error, then request a new run.",
  };
  const input = { kind: "abandon", run: name, failure } as const;
  const cause = `execution/${last.id}/ended`;
  await record(ports, run, { stream: name, cause, input, actor: ACTOR, inputHash: last.id });
}

/** Reacts to the facts of runs and keeps their views; `reconcile` ends runs whose workflow died. */
export function createData(ports: DataPorts): FactService {
  let after: string | undefined;
  return withViews(ports, DATA_VIEWS, {
    name: "data",
    inputs: REACTS_TO,
    async handle(fact: AnyFact) {
      if (fact.type === "run.requested") await start(ports, fact);
      if (fact.type === "run.finished") await keepOutput(ports, fact);
      if (fact.type === "timer.due") await timeOut(ports, fact);
      const again = fact.type === "timer.due" && isTimer(fact, RUN_STOP_TIMER);
      const left = fact.type === "run.failed" && fact.data.reason === EXECUTION_FAILED;
      // A head that was only out of reach still runs the job of a run that is lost.
      if (again || left || STOPPING.has(fact.type)) await stop(ports, fact.subject);
    },
    async reconcile() {
      const page = { collection: ACTIVE_RUNS_COLLECTION, limit: RECONCILED_RUNS_MAX };
      const active = await ports.views.list(after === undefined ? page : { ...page, after });
      after = active.length < RECONCILED_RUNS_MAX ? undefined : active.at(-1)?.key;
      for (const { key } of active) await abandon(ports, key);
    },
  });
}
