// An execution as Google's client has it → ours. Enums come as names or numbers, times as seconds, JSON as text.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Execution } from "../../ports/executions.ts";

/** google.protobuf.Timestamp as the generated clients have it. */
export interface WireTime {
  readonly seconds?: number | string | { toString(): string } | null;
  readonly nanos?: number | null;
}

/** What we read of google.cloud.workflows.executions.v1.Execution. */
export interface WireExecution {
  readonly name?: string | null;
  readonly state?: string | number | null;
  readonly startTime?: WireTime | null;
  readonly endTime?: WireTime | null;
  readonly result?: string | null;
  readonly error?: { readonly payload?: string | null; readonly context?: string | null } | null;
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** State by its number (executions.proto). */
const STATES = [
  "STATE_UNSPECIFIED",
  "ACTIVE",
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
  "UNAVAILABLE",
  "QUEUED",
] as const;
const KNOWN: ReadonlySet<string> = new Set(STATES.slice(1));
const ENDED: ReadonlySet<string> = new Set(["SUCCEEDED", "FAILED", "CANCELLED"]);

/** RFC 3339, or undefined where there is none. */
export function timeOf(time: WireTime | null | undefined): string | undefined {
  if (time?.seconds === undefined || time.seconds === null) return undefined;
  const ms = Number(String(time.seconds)) * 1_000 + Math.floor((time.nanos ?? 0) / 1e6);
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}

const broken = (what: string): ControlPlaneError =>
  new ControlPlaneError("INTERNAL", `Cloud Workflows answered ${what}.`, { reason: "UNEXPECTED_ANSWER" });

function stateOf(given: WireExecution["state"]): Execution["state"] {
  const state = typeof given === "number" ? STATES[given] : (given ?? undefined);
  // A state that we do not know yet has not ended: nothing is concluded from it.
  if (state === undefined || !KNOWN.has(state)) return "UNAVAILABLE";
  return state as Execution["state"];
}

function resultOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw broken("a result that is no JSON");
  }
}

/** Ours from theirs; `now` stands in for the start of one that still waits in the queue, `prefix` is no part of our names. */
export function toExecution(wire: WireExecution, now: string, prefix = ""): Execution {
  const match = /\/workflows\/([^/]+)\/executions\/([^/]+)$/.exec(wire.name ?? "");
  if (match === null) throw broken("an execution without a name");
  const [, name = "", id = ""] = match;
  const workflow = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  const state = stateOf(wire.state);
  const ended = timeOf(wire.endTime) ?? (ENDED.has(state) ? now : undefined);
  return {
    id,
    workflow,
    state,
    startedAt: timeOf(wire.startTime) ?? now,
    ...(ended === undefined ? {} : { endedAt: ended }),
    ...(state === "SUCCEEDED" && typeof wire.result === "string" && wire.result !== ""
      ? { result: resultOf(wire.result) }
      : {}),
    ...(wire.error === undefined || wire.error === null
      ? {}
      : { error: { payload: wire.error.payload ?? "", context: wire.error.context ?? "" } }),
  };
}
