// A driver for tests: answers come from a script, by URL and attempt, and every request is kept.
import { textResponse, unknownConnector, type EffectRequest, type EffectResult } from "../machine/request.ts";
import type { JournalEntry } from "../machine/journal.ts";
import type { JournalStore, Perform } from "./execute.ts";

/** One line of a script: which requests it answers and how; the last answer repeats. */
export interface ScriptLine {
  /** `METHOD` and how the URL begins, or the name of a connector that the table does not know, or a predicate. */
  readonly when: string | ((request: EffectRequest) => boolean);
  readonly answers: readonly (EffectResult | ((request: EffectRequest) => EffectResult))[];
}

/** A scripted driver with what it was asked. */
export interface ScriptedDriver {
  readonly perform: Perform;
  readonly requests: readonly EffectRequest[];
  /** Log lines, as `SEVERITY payload`. */
  readonly logs: readonly string[];
}

function matches({ when }: ScriptLine, request: EffectRequest): boolean {
  if (typeof when === "function") return when(request);
  if (request.kind === "connector") return request.name === when;
  return request.kind === "http" && `${request.method} ${request.url}`.startsWith(when);
}

/** A driver from lines, tried in order. A request that no line answers gets 404. Logs are always taken. */
export function createScriptedDriver(lines: readonly ScriptLine[] = []): ScriptedDriver {
  const requests: EffectRequest[] = [];
  const logs: string[] = [];
  const used = new Map<ScriptLine, number>();
  const perform: Perform = async (request) => {
    requests.push(request);
    if (request.kind === "log") {
      logs.push(`${request.severity} ${request.payload}`);
      return { kind: "done" };
    }
    const line = lines.find((candidate) => matches(candidate, request));
    if (line === undefined)
      return request.kind === "connector"
        ? unknownConnector(request)
        : textResponse(404, "no line of the script answers this request");
    const count = used.get(line) ?? 0;
    used.set(line, count + 1);
    const answer = line.answers[Math.min(count, line.answers.length - 1)];
    if (answer === undefined) return textResponse(404, "this line of the script has no answers");
    return typeof answer === "function" ? answer(request) : answer;
  };
  return { perform, requests, logs };
}

/** A journal in memory; `entries` is what it holds. */
export function createMemoryJournal(
  entries: JournalEntry[] = [],
): JournalStore & { readonly entries: JournalEntry[] } {
  return {
    entries,
    load: async () => structuredClone(entries),
    append: async (added) => {
      entries.push(...structuredClone(added));
    },
  };
}
