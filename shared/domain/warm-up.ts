// A rollback to a version that is scaled down: its backend is warmed first, and then traffic moves. What is under way stands in
// the traffic document, so that it needs no other store and outlives every process.
import { shortHash } from "./fact.ts";
import type { ErrorCode } from "./errors.ts";
import {
  type Move,
  OPERATIONS_MAX,
  soleVersion,
  type TrafficDocument,
  type WarmUp,
  type WarmUpEnd,
} from "./traffic.ts";

/** Assumed time until a backend is ready when its last start is not known. */
export const WARM_UP_MS_DEFAULT = 30_000;

/** A backend that is not ready after this long is given up; traffic stays where it is. */
export const WARM_UP_TIME_MAX_MS = 600_000;

/** The warm-up under way, if there is one. */
export function openWarmUp({ traffic }: TrafficDocument): WarmUp | undefined {
  return traffic.operations?.find(({ end }) => end === undefined);
}

/** Id of a warm-up, derived: a retry names the same one. */
export function warmUpId(endpoint: string, cause: string, time: string): string {
  return `rollback-${shortHash(endpoint, cause, time)}`;
}

const ended = (operations: readonly WarmUp[], end: WarmUpEnd): readonly WarmUp[] =>
  operations.map((operation) => (operation.end === undefined ? { ...operation, end } : operation));

function withOperations(document: TrafficDocument, operations: readonly WarmUp[]): TrafficDocument {
  return { ...document, traffic: { ...document.traffic, operations } };
}

const failure = (time: string, code: ErrorCode, reason: string, message: string): WarmUpEnd => ({
  time,
  failure: { code, reason, message },
});

/**
 * Takes a warm-up on, which holds the endpoint as every rollback does. One that is under way to another version is over:
 * the newer wish counts.
 */
export function acceptWarmUp(document: TrafficDocument, warmUp: WarmUp): TrafficDocument {
  const { cause, actor, reason, time, hold: holds } = warmUp;
  const superseded = failure(
    time,
    "ABORTED",
    "SUPERSEDED",
    `${actor} asked for ${warmUp.to} instead: ${reason}`,
  );
  const before = ended(document.traffic.operations ?? [], superseded);
  const { hold } = document.traffic;
  return {
    ...document,
    traffic: {
      ...document.traffic,
      hold: hold ?? (holds === false ? null : { cause, actor, reason, time }),
      operations: [warmUp, ...before].slice(0, OPERATIONS_MAX),
    },
  };
}

/** Ends the warm-up under way without a move, if it is this one. Answers the very document when it is not. */
export function failWarmUp(
  document: TrafficDocument,
  id: string,
  time: string,
  problem: { readonly code: ErrorCode; readonly reason: string; readonly message: string },
): TrafficDocument {
  if (openWarmUp(document)?.id !== id) return document;
  return withOperations(document, ended(document.traffic.operations ?? [], { time, failure: problem }));
}

/** Ends the warm-up under way because a person resumed the endpoint. */
export function cancelWarmUp(document: TrafficDocument, time: string): TrafficDocument {
  if (openWarmUp(document) === undefined) return document;
  const end = failure(time, "ABORTED", "RESUMED", "The endpoint was resumed before its version was ready.");
  return withOperations(document, ended(document.traffic.operations ?? [], end));
}

/**
 * What a move means for the warm-up under way: to its version, it is done; away from the version that was to be left, it has
 * lost its purpose; otherwise it goes on.
 */
export function operationsAfter(
  operations: readonly WarmUp[] | undefined,
  move: Move,
): readonly WarmUp[] | undefined {
  const open = operations?.find(({ end }) => end === undefined);
  if (operations === undefined || open === undefined) return operations;
  const { epoch, to, time, kind, reason } = move;
  if (soleVersion(to) === open.to) return ended(operations, { time, epoch });
  if (to[open.from] !== undefined) return operations;
  const message = `Traffic left ${open.from} by another move (epoch ${epoch}, ${kind}: ${reason}).`;
  return ended(operations, failure(time, "ABORTED", "SUPERSEDED", message));
}
