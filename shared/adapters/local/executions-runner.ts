// Keeps executions going: launches them on the engine, takes them up again from their journal, and lets go of them at a stop.
import {
  type CallbackHttpRequest,
  type CallbackStatus,
  compile,
  type Execution as RunningExecution,
  formatProblem,
  launch,
  type Machine,
  NonDeterminismError,
  type Outcome,
  type Perform,
  type Program,
  unknownConnector,
} from "../../../workflows/engine/engine.ts";
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { performHttp, type HttpOptions } from "./executions-http.ts";
import type { ExecutionStore, StoredExecution } from "./executions-store.ts";

/** Pause before an execution whose journal could not be written is taken up again. */
export const TAKE_UP_AGAIN_MS = 2_000;

/** What a runner needs. */
export interface RunnerOptions {
  readonly store: ExecutionStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly http: HttpOptions;
  /** Where the callback endpoints of an execution answer, without a slash at the end. */
  readonly callbackBase?: (workflow: string, id: string) => string;
  /** Told when an execution has ended: there is room for another. */
  readonly onEnd?: () => void;
}

/** Compiled programs that are kept, by source: a process runs a few workflows, each many times. */
export const PROGRAMS_KEPT_MAX = 50;
const programs = new Map<string, Program>();

/** The program of a source, compiled once; throws INTERNAL with what is wrong with it and where. */
export function programOf(name: string, source: string): Program {
  const key = `${name}\n${source}`;
  const known = programs.get(key);
  if (known !== undefined) return known;
  const program = compiledProgram(name, source);
  const oldest = programs.keys().next().value;
  if (programs.size >= PROGRAMS_KEPT_MAX && oldest !== undefined) programs.delete(oldest);
  programs.set(key, program);
  return program;
}

function compiledProgram(name: string, source: string): Program {
  const compiled = compile(source, { file: `workflows/${name}.yaml` });
  if (compiled.ok) return compiled.program;
  const problems = compiled.problems.map(formatProblem).join("\n");
  throw new ControlPlaneError("INTERNAL", `The workflow ${name} does not compile:\n${problems}`, {
    reason: "WORKFLOW_INVALID",
    metadata: { workflow: name },
  });
}

const environment = (
  { id, workflow, revision }: StoredExecution,
  store: Pick<ExecutionStore, "revisionId">,
): Readonly<Record<string, string>> => ({
  GOOGLE_CLOUD_LOCATION: "local",
  GOOGLE_CLOUD_PROJECT_ID: "signalbox",
  GOOGLE_CLOUD_PROJECT_NUMBER: "0",
  GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME: "workflows@signalbox.iam.gserviceaccount.com",
  GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: id,
  GOOGLE_CLOUD_WORKFLOW_ID: workflow,
  GOOGLE_CLOUD_WORKFLOW_REVISION_ID: store.revisionId(workflow, revision),
});

/** Never resolves: what waits on it is given up by a process that stops. */
const never = <Answer>(): Promise<Answer> => new Promise<Answer>(() => {});

/** The outcome of an error that no further try can mend. */
function hopeless(error: unknown): Outcome | undefined {
  const known = error instanceof ControlPlaneError && ["INTERNAL", "NOT_FOUND"].includes(error.code);
  if (!known && !(error instanceof NonDeterminismError)) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  const payload = JSON.stringify({ message, tags: ["SystemError"] });
  return { state: "FAILED", error: { payload, context: message, stackTrace: { elements: [] } } };
}

/** After a stop nothing of an execution happens any more, in memory or in the journal: its promises just never resolve. */
async function unless<Answer>(stopped: AbortSignal, work: () => Promise<Answer>): Promise<Answer> {
  if (stopped.aborted) return never();
  try {
    const answer = await work();
    return stopped.aborted ? await never() : answer;
  } catch (error) {
    if (stopped.aborted) return never();
    throw error;
  }
}

function performer({ http, log }: RunnerOptions, execution: StoredExecution, stopped: AbortSignal): Perform {
  return (request, cancelled) =>
    unless(stopped, async () => {
      if (request.kind === "log") {
        log.info({ execution: execution.id, severity: request.severity }, request.payload);
        return { kind: "done" };
      }
      if (request.kind === "connector") return unknownConnector(request);
      if (request.kind !== "http") throw new Error(`The engine asked its driver for ${request.kind}.`);
      return performHttp(http, request, AbortSignal.any([stopped, cancelled]));
    });
}

function begin(
  options: RunnerOptions,
  execution: StoredExecution,
  stopped: AbortSignal,
  tracked: <Answer>(work: Promise<Answer>) => Promise<Answer>,
): RunningExecution {
  const { store, clock } = options;
  const source = store.source(execution.revision);
  if (source === undefined)
    throw notFound(execution.revision, "The workflow's source is not in the database: cancel the execution.");
  const journal = store.journal(execution.id);
  return launch(programOf(execution.workflow, source), {
    argument: execution.argument,
    env: environment(execution, store),
    seed: execution.seed,
    callbackBase: options.callbackBase?.(execution.workflow, execution.id),
    journal: {
      load: () => journal.load(),
      append: (entries) => unless(stopped, () => tracked(journal.append(entries))),
    },
    perform: performer(options, execution, stopped),
    clock: {
      now: () => clock.now().getTime(),
      sleepUntil: (dueMs, cancelled) =>
        unless(stopped, () =>
          clock.sleep(dueMs - clock.now().getTime(), AbortSignal.any([stopped, cancelled])),
        ),
    },
  });
}

/** A runner of executions in this process. */
export function createRunner(options: RunnerOptions) {
  const { store, clock, log } = options;
  const running = new Map<string, RunningExecution>();
  const taken = new Set<string>();
  const writing = new Set<Promise<unknown>>();
  const stop = new AbortController();
  const stopped = stop.signal;

  const tracked = <Answer>(work: Promise<Answer>): Promise<Answer> => {
    writing.add(work);
    const forget = (): void => void writing.delete(work);
    work.then(forget, forget);
    return work;
  };
  const end = async (id: string, outcome: Outcome): Promise<void> => {
    await tracked(store.end(id, outcome, clock.now().toISOString()));
    if (!stopped.aborted) options.onEnd?.();
  };

  /** Runs an execution to its end. A journal that cannot be written is no end: the execution is taken up from it again. */
  async function runToEnd(execution: StoredExecution): Promise<void> {
    const { id } = execution;
    while (!stopped.aborted && store.get(id)?.state === "ACTIVE") {
      try {
        const launched = begin(options, execution, stopped, tracked);
        running.set(id, launched);
        const outcome = await launched.finished;
        return await unless(stopped, () => end(id, outcome));
      } catch (error) {
        log.error({ error, execution: id }, "An execution could not go on.");
        const outcome = hopeless(error);
        if (outcome !== undefined) return end(id, outcome);
        await unless(stopped, () => clock.sleep(TAKE_UP_AGAIN_MS, stopped));
      } finally {
        running.delete(id);
      }
    }
  }

  return {
    /** Runs an execution that is not run yet; answers at once. */
    run(execution: StoredExecution): void {
      const { id } = execution;
      if (taken.has(id)) return;
      taken.add(id);
      runToEnd(execution)
        .catch((error: unknown) =>
          log.error({ error, execution: id }, "An execution goes on after the next start only."),
        )
        .finally(() => taken.delete(id));
    },
    isTaken: (id: string): boolean => taken.has(id),
    /** Cancels an execution and resolves when it has stopped. */
    async cancel(id: string): Promise<void> {
      const launched = running.get(id);
      if (launched !== undefined) {
        launched.cancel();
        await launched.finished;
      }
      await end(id, { state: "CANCELLED" });
    },
    /** The machine of an execution that runs here. */
    machine: (id: string): Machine | undefined => running.get(id)?.machine(),
    /** Hands a request to a callback endpoint; 200 once it is durable, 404 when nothing here waits for it. */
    async deliver(id: string, callback: string, request: CallbackHttpRequest): Promise<CallbackStatus> {
      return (await running.get(id)?.deliver(callback, request)) ?? 404;
    },
    /** Lets go of everything; resolves when nothing is being written any more. */
    async close(): Promise<void> {
      stop.abort(new Error("The process stops."));
      await Promise.allSettled(writing);
    },
  };
}
