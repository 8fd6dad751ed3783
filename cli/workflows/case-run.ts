// Runs one case: the workflow in virtual time in its scripted world, then every expectation.
import {
  createMemoryJournal,
  createVirtualClock,
  launch,
  stepCount,
  type EffectRequest,
  type Execution,
  type JournalEntry,
  type JournalStore,
  type Machine,
  type Outcome,
  type Program,
  type VirtualClock,
} from "../../workflows/engine/engine.ts";
import type { Case, CaseCallback, CaseFile } from "./case-file.ts";
import { createCaseDriver } from "./case-script.ts";
import { localEnvironment } from "./environment.ts";
import { mismatches, type Ran } from "./expectations.ts";

const TIME_DEFAULT = "2026-01-01T00:00:00Z";

/** How a case went. */
export interface CaseResult {
  readonly name: string;
  /** What was not as expected; empty when the case passes. */
  readonly mismatches: readonly string[];
  readonly outcome: Outcome | undefined;
  /** The machine as it ended, for coverage and cost. */
  readonly machine: Machine | undefined;
  readonly seconds: number;
}

type Wait = Extract<EffectRequest, { kind: "callback" }>;

/** The scripted call for a wait, taken off the list: the first without a step, or of this step. */
function takeCallback(callbacks: CaseCallback[], wait: Wait): CaseCallback | undefined {
  const index = callbacks.findIndex(({ step }) => step === undefined || step === wait.step);
  return index < 0 ? undefined : callbacks.splice(index, 1)[0];
}

async function callBack(
  execution: Execution,
  clock: VirtualClock,
  { scripted, wait, signal }: { scripted: CaseCallback; wait: Wait; signal: AbortSignal },
): Promise<void> {
  const { method = "POST", afterSeconds = 0, body, headers = {} } = scripted;
  await clock.sleepUntil(clock.now() + afterSeconds * 1_000, signal);
  if (signal.aborted) return;
  const json = body === undefined ? {} : { body: { encoding: "utf8" as const, data: JSON.stringify(body) } };
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  await execution.deliver(wait.callback, {
    method,
    url: new URL(wait.url).pathname,
    query: "",
    headers: { ...type, ...headers },
    ...json,
  });
}

/** A journal in memory that tells of every wait for a callback. */
function watchedJournal(onWait: (wait: Wait) => void): JournalStore {
  const journal = createMemoryJournal();
  return {
    load: journal.load,
    append: async (entries: readonly JournalEntry[]) => {
      await journal.append(entries);
      for (const entry of entries)
        if (entry.type === "EffectRequested" && entry.request.kind === "callback") onWait(entry.request);
    },
  };
}

/** Runs a case of a file. Problems of the script end as mismatches, never as exceptions. */
export async function runCase(program: Program, file: CaseFile, test: Case): Promise<CaseResult> {
  const { name, argument, seed = name, effects = [], expect } = test;
  const startMs = Date.parse(file.time ?? TIME_DEFAULT);
  const clock = createVirtualClock({ startMs });
  const driver = createCaseDriver(effects, file.effects ?? []);
  const callbacks = [...(test.callbacks ?? [])];
  const over = new AbortController();
  const side: Promise<void>[] = [];
  const begin = (): Execution =>
    launch(program, {
      ...(argument === undefined ? {} : { argument: JSON.stringify(argument) }),
      env: localEnvironment(program, "execution-of-a-case", { ...file.environment, ...test.environment }),
      seed,
      clock,
      perform: driver.perform,
      journal: watchedJournal((wait) => {
        const scripted = takeCallback(callbacks, wait);
        if (scripted !== undefined)
          side.push(callBack(execution, clock, { scripted, wait, signal: over.signal }));
      }),
    });
  const execution = begin();
  if (test.cancelAfterSeconds !== undefined) {
    const due = startMs + test.cancelAfterSeconds * 1_000;
    side.push(
      clock
        .sleepUntil(due, over.signal)
        .then(() => over.signal.aborted || execution.cancel())
        .then(() => {}),
    );
  }
  let ran: Ran | undefined;
  const problems: string[] = [];
  try {
    const outcome = await execution.finished;
    const steps = stepCount(execution.machine() as Machine);
    const calls = driver.requests.filter(
      (request) => request.kind === "http" || request.kind === "connector",
    );
    ran = { outcome, calls, logs: driver.logs, seconds: (clock.now() - startMs) / 1_000, steps };
    problems.push(...mismatches(expect, ran));
    for (const call of driver.unused())
      problems.push(`no request met the effect ${call}: remove it, or correct it`);
    for (const { step } of callbacks)
      problems.push(
        `nothing waited for the callback${step === undefined ? "" : ` of step ${JSON.stringify(step)}`}`,
      );
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    over.abort();
    await Promise.all(side);
  }
  const seconds = (clock.now() - startMs) / 1_000;
  return { name, mismatches: problems, outcome: ran?.outcome, machine: execution.machine(), seconds };
}
