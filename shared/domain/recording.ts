// Recorded traffic: counter readings and moves of one endpoint, as a file of JSON lines or as the API answers them.
import { Type } from "typebox";
import { Value } from "typebox/value";
import { counterIncreases, type CounterSample, sampleProblems } from "./counter-increase.ts";
import type { ArmCounts } from "./e-value.ts";
import type { ObservedMove } from "./evidence.ts";

/** Characters of one recording. */
export const RECORDING_CHARACTERS_MAX = 64 * 1_024 * 1_024;

const strict = { additionalProperties: false };
const Time = Type.String({ maxLength: 40 });
const Name = Type.String({ minLength: 1, maxLength: 300 });
const SampleLine = Type.Object(
  {
    time: Time,
    version: Name,
    instance: Type.Optional(Name),
    requests: Type.Number({ minimum: 0 }),
    errors: Type.Number({ minimum: 0 }),
  },
  strict,
);
const MoveLine = Type.Object({ time: Time, weights: Type.Record(Name, Type.Number({ minimum: 0 })) }, strict);

/** Readings and moves; without moves, nothing is known of weights. */
export interface Recording {
  readonly samples: readonly CounterSample[];
  readonly moves: readonly ObservedMove[];
}

/** A recording, or the first line that is none. */
export type ReadRecording =
  | { readonly kind: "recording"; readonly recording: Recording }
  | { readonly kind: "unreadable"; readonly message: string };

const FORMAT =
  'Write {"time","version","instance","requests","errors"} for a reading of counters or {"time","weights"} for a move.';

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Reads a recording of JSON lines; empty lines count as none. */
export function readRecording(text: string): ReadRecording {
  const samples: CounterSample[] = [];
  const moves: ObservedMove[] = [];
  const unreadable = (message: string): ReadRecording => ({ kind: "unreadable", message });
  if (text.length > RECORDING_CHARACTERS_MAX)
    return unreadable(`The recording is longer than ${RECORDING_CHARACTERS_MAX} characters: cut it.`);
  for (const [position, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const value = parsed(line);
    const timeMs = Date.parse(String((value as { time?: unknown } | undefined)?.time));
    if (Number.isNaN(timeMs)) return unreadable(`Line ${position + 1} has no time in RFC 3339. ${FORMAT}`);
    if (Value.Check(MoveLine, value)) moves.push({ timeMs, to: value.weights });
    else if (Value.Check(SampleLine, value)) {
      const { version, instance = version, requests, errors } = value;
      samples.push({ timeMs, version, instance, requests, errors });
    } else return unreadable(`Line ${position + 1} is neither a reading nor a move. ${FORMAT}`);
  }
  const problem = sampleProblems(samples)[0];
  if (problem !== undefined) return unreadable(`${problem.path}: ${problem.message} ${problem.remedy}`);
  if (samples.length < 2) return unreadable("The recording has fewer than two readings of counters.");
  moves.sort((one, other) => one.timeMs - other.timeMs);
  return { kind: "recording", recording: { samples, moves } };
}

/** The recording as JSON lines that `readRecording` reads back. */
export function writeRecording({ samples, moves }: Recording): string {
  const time = (timeMs: number): string => new Date(timeMs).toISOString();
  const lines = [
    ...moves.map(({ timeMs, to }) => ({ timeMs, line: { time: time(timeMs), weights: to } })),
    ...samples.map(({ timeMs, version, instance, requests, errors }) => ({
      timeMs,
      line: { time: time(timeMs), version, instance, requests, errors },
    })),
  ].toSorted((one, other) => one.timeMs - other.timeMs);
  return lines.map(({ line }) => `${JSON.stringify(line)}\n`).join("");
}

/** The time between two readings of one series: the median, at least 1 ms. */
export function spacingOf(samples: readonly CounterSample[]): number {
  const gaps = counterIncreases(samples, Infinity).map(({ fromMs, toMs }) => toMs - fromMs);
  return Math.max(1, gaps.toSorted((one, other) => one - other)[gaps.length >> 1] ?? 1);
}

/** Whether one version alone served from `fromMs` to `toMs`: true for any time of a recording without moves. */
function servedAlone(moves: readonly ObservedMove[], version: string, fromMs: number, toMs: number): boolean {
  if (moves.length === 0) return true;
  let before: ObservedMove | undefined;
  for (const move of moves) {
    if (move.timeMs <= fromMs) before = move;
    else if (move.timeMs < toMs) return false;
  }
  const serving = Object.entries(before?.to ?? {}).filter(([, weight]) => weight > 0);
  return serving.length === 1 && serving[0]?.[0] === version;
}

/** The version with the most requests. */
function busiest(samples: readonly CounterSample[]): string | undefined {
  const requests = new Map<string, number>();
  for (const { version, requests: more } of counterIncreases(samples, Infinity))
    requests.set(version, (requests.get(version) ?? 0) + more);
  return [...requests].toSorted(([, one], [, other]) => other - one)[0]?.[0];
}

/**
 * Healthy traffic as windows of `windowMs` in order: counts of times in which one version alone served. Without moves: of `version`,
 * or of the one with the most requests. Times without readings are left out.
 */
export function healthyWindows(
  { samples, moves }: Recording,
  windowMs: number,
  version?: string,
): readonly ArmCounts[] {
  const only = version ?? (moves.length === 0 ? busiest(samples) : undefined);
  const chosen = only === undefined ? samples : samples.filter((sample) => sample.version === only);
  const windows = new Map<number, { requests: number; errors: number }>();
  for (const increase of counterIncreases(chosen, Infinity)) {
    if (!servedAlone(moves, increase.version, increase.fromMs, increase.toMs)) continue;
    const index = Math.floor((increase.fromMs + increase.toMs) / 2 / windowMs);
    const window = windows.get(index) ?? { requests: 0, errors: 0 };
    windows.set(index, window);
    window.requests += increase.requests;
    window.errors += increase.errors;
  }
  return [...windows.entries()].toSorted(([one], [other]) => one - other).map(([, counts]) => counts);
}
