// Recordings for the judge: a file, or what a running control plane kept of an endpoint.
import { readFileSync, statSync } from "node:fs";
import {
  type ReadRecording,
  readRecording,
  type Recording,
  RECORDING_CHARACTERS_MAX,
} from "../../shared/domain/recording.ts";
import type { RecordedCounters } from "../../services/api/endpoints/counters.ts";
import { CommandError, EXIT } from "../exit.ts";
import { listAll, type Resource, type Session } from "../output.ts";

/** Ranges that one recording is read in. */
export const RECORDING_RANGES_MAX = 200;
/** Length of one range: an hour at one scrape a second is within what one answer may hold. */
const RANGE_MS = 3_600_000;

/** A recording from a file of JSON lines. */
export function recordingInFile(path: string): Recording {
  let read: ReadRecording;
  try {
    if (statSync(path).size > 2 * RECORDING_CHARACTERS_MAX) throw new Error("it is too large");
    read = readRecording(readFileSync(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(EXIT.usage, `The recording ${path} cannot be read: ${why}`, cause);
  }
  if (read.kind === "recording") return read.recording;
  throw new CommandError(EXIT.usage, `${path}: ${read.message}`);
}

/** What the control plane kept of an endpoint between two times. */
export async function recordingOf(
  api: Session,
  endpoint: string,
  fromMs: number,
  toMs: number,
): Promise<Recording> {
  const ranges = Math.ceil((toMs - fromMs) / RANGE_MS);
  if (ranges > RECORDING_RANGES_MAX)
    throw new CommandError(EXIT.usage, `At most ${RECORDING_RANGES_MAX} hours can be read: ask for less.`);
  const samples = new Map<string, Recording["samples"][number]>();
  const moves = new Map<number, Recording["moves"][number]>();
  for (let startMs = fromMs; startMs < toMs; startMs += RANGE_MS) {
    const from = new Date(startMs).toISOString();
    const to = new Date(Math.min(toMs, startMs + RANGE_MS)).toISOString();
    const query = new URLSearchParams({ from, to });
    const counters = await api.get<RecordedCounters>(`/v1/${endpoint}:readCounters?${query.toString()}`);
    for (const { time, ...sample } of counters.samples)
      samples.set(`${sample.version} ${sample.instance} ${time}`, { ...sample, timeMs: Date.parse(time) });
    for (const { time, weights } of counters.moves) {
      const timeMs = Date.parse(time);
      // Every range begins with what served then, which is no move.
      const known = [...moves.values()].at(-1);
      if (JSON.stringify(known?.to) !== JSON.stringify(weights)) moves.set(timeMs, { timeMs, to: weights });
    }
  }
  return { samples: [...samples.values()], moves: [...moves.values()] };
}

/** The rollout of a whole name, of an id as `signalbox rollouts` shows it, or the newest one of an endpoint. */
export async function recordedRollout(api: Session, given: string, team: string): Promise<Resource> {
  if (given.includes("/rollouts/")) return api.get<Resource>(`/v1/${given}`);
  const rollouts = await listAll<Resource>(api, `/v1/teams/${team}/endpoints/-/rollouts`);
  const found = rollouts.find(({ name }) => String(name).endsWith(`/rollouts/${given}`));
  if (found !== undefined) return found;
  const newest = rollouts
    .filter(({ name, startTime }) => startTime !== undefined && String(name).includes(`/endpoints/${given}/`))
    .toSorted((one, other) => (String(one["startTime"]) < String(other["startTime"]) ? 1 : -1))[0];
  if (newest !== undefined) return newest;
  throw new CommandError(
    EXIT.notFound,
    `Neither a rollout nor an endpoint with a started rollout is called ${given}: signalbox rollouts lists them.`,
  );
}
