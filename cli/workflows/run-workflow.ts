// One run of a workflow from the terminal: clock, driver, callbacks and trace chosen by what was asked for.
import { randomUUID } from "node:crypto";
import {
  createMemoryJournal,
  createRecordingDriver,
  createReplayDriver,
  createVirtualClock,
  launch,
  type JournalEntry,
  type JournalStore,
  type Machine,
  type Observer,
  type Outcome,
  type Perform,
  type Program,
  type Take,
  type WorkflowClock,
} from "../../workflows/engine/engine.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { makesCallbacks, openCallbackDoor, type CallbackDoor } from "./callback-door.ts";
import { askingWithoutSecrets, type Cassette, takesWithoutSecrets } from "./cassette-file.ts";
import { localEnvironment } from "./environment.ts";

/** What a run is made from. */
export interface RunOptions {
  readonly program: Program;
  /** The argument as JSON text; left out for null, or for the cassette's. */
  readonly argument?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly seed?: string | undefined;
  readonly virtualTime: boolean;
  readonly replay?: Cassette | undefined;
  readonly perform: Perform;
  /** Takes lines about the run: the trace, and callback URLs that are waited for. */
  readonly tell: (line: string) => void;
  readonly trace: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How a run went, and the cassette of it. */
export interface RunResult {
  readonly outcome: Outcome;
  readonly machine: Machine;
  readonly cassette: Omit<Cassette, "format">;
}

const wallClock: WorkflowClock = {
  now: () => systemClock.now().getTime(),
  sleepUntil: (dueMs, signal) => systemClock.sleep(dueMs - systemClock.now().getTime(), signal),
};

interface Telling {
  readonly observer: Observer | undefined;
  readonly journal: JournalStore;
}

function stepLine({ thread, step: { routine, name, kind, span }, depth }: Parameters<Observer>[0]): string {
  const branch = thread === "0" ? "" : ` [${thread}]`;
  return `${"  ".repeat(Math.max(0, depth - 1))}${routine}.${name} (${kind}, line ${span.line})${branch}`;
}

function answerLine(entry: JournalEntry): string | undefined {
  if (entry.type !== "EffectCompleted") return undefined;
  if (entry.result.kind === "http") return `  ← ${entry.result.status}`;
  return entry.result.kind === "failure" ? `  ← ${entry.result.tag}: ${entry.result.message}` : undefined;
}

function requestLine(entry: JournalEntry): string | undefined {
  if (entry.type !== "EffectRequested") return undefined;
  const { request } = entry;
  if (request.kind === "http") return `  → ${request.method} ${request.url}`;
  return request.kind === "sleep"
    ? `  → ${request.reason} until ${new Date(request.dueMs).toISOString()}`
    : undefined;
}

function waitLine(entry: JournalEntry): string | undefined {
  if (entry.type !== "EffectRequested" || entry.request.kind !== "callback") return undefined;
  const { step, url, dueMs } = entry.request;
  return `Step ${step} waits for ${url} until ${new Date(dueMs).toISOString()}.`;
}

/** A journal that tells what a person must know: where callbacks are waited for, and with `trace` every step and call. */
function telling({ tell, trace }: RunOptions): Telling {
  const journal = createMemoryJournal();
  // A turn's steps follow from the answers of its entries and lead to the requests: told in this order.
  const steps: string[] = [];
  const tellAll = (
    entries: readonly JournalEntry[],
    line: (entry: JournalEntry) => string | undefined,
  ): void => {
    for (const text of entries.map(line)) if (text !== undefined) tell(text);
  };
  const observer: Observer = (event) => {
    if (!event.step.anonymous) steps.push(stepLine(event));
  };
  const append = async (entries: readonly JournalEntry[]): Promise<void> => {
    await journal.append(entries);
    if (trace) {
      tellAll(entries, answerLine);
      for (const text of steps.splice(0)) tell(text);
      tellAll(entries, requestLine);
    }
    tellAll(entries, waitLine);
  };
  return { observer: trace ? observer : undefined, journal: { load: journal.load, append } };
}

interface Driver {
  readonly perform: Perform;
  takes(): readonly Take[];
}

function driverOf({ replay, perform }: RunOptions): Driver {
  if (replay !== undefined) {
    const driver = createReplayDriver(replay.takes);
    return { perform: askingWithoutSecrets(driver.perform), takes: () => replay.takes };
  }
  const driver = createRecordingDriver(perform);
  return { perform: driver.perform, takes: () => takesWithoutSecrets(driver.takes) };
}

function clockOf({ virtualTime, replay }: RunOptions, startMs: number): WorkflowClock {
  return virtualTime || replay !== undefined ? createVirtualClock({ startMs }) : wallClock;
}

/** Runs a workflow to its end; a replay takes its time, seed, argument and environment from the cassette. */
export async function runWorkflow(options: RunOptions): Promise<RunResult> {
  const { program, replay, signal } = options;
  const startMs = replay?.startMs ?? wallClock.now();
  const argument = options.argument ?? replay?.argument ?? "null";
  const seed = options.seed ?? replay?.seed ?? randomUUID();
  const environment =
    replay?.environment ?? localEnvironment(program, `local-${startMs.toString(36)}`, options.environment);
  const door: CallbackDoor | undefined =
    replay === undefined && makesCallbacks(program) ? await openCallbackDoor() : undefined;
  const callbackBase = replay?.callbackBase ?? door?.base;
  const driver = driverOf(options);
  const { journal, observer } = telling(options);
  try {
    const execution = launch(program, {
      argument,
      env: environment,
      seed,
      callbackBase,
      journal,
      perform: driver.perform,
      clock: clockOf(options, startMs),
      signal,
      observer,
    });
    door?.serve(execution);
    const outcome = await execution.finished;
    const cassette = { workflow: program.file, argument, environment, seed, startMs, callbackBase };
    return {
      outcome,
      machine: execution.machine() as Machine,
      cassette: { ...cassette, takes: driver.takes() },
    };
  } finally {
    await door?.close();
  }
}
