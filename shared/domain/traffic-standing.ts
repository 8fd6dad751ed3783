// What changes in the traffic document without moving traffic: the standing of versions, and the hold. The epoch stays.
// Each function answers the very document it was given when there is nothing to change.
import { backendName } from "./backend.ts";
import { failedPrecondition } from "./errors.ts";
import { REASON_CHARACTERS_MAX } from "./traffic-moves.ts";
import {
  GOOD_MAX,
  soleVersion,
  versionWeights,
  type GoodVersion,
  type Hold,
  type TrafficDocument,
} from "./traffic.ts";
import { cancelWarmUp } from "./warm-up.ts";

const withGood = (document: TrafficDocument, good: readonly GoodVersion[]): TrafficDocument => ({
  ...document,
  traffic: { ...document.traffic, good },
});

/** Puts the version that holds 100 % first in the good list (a first version, after its *pass*). Nothing happens when it no longer does. */
export function markGood(
  endpoint: string,
  document: TrafficDocument,
  version: string,
  time: string,
): TrafficDocument {
  const { good } = document.traffic;
  if (soleVersion(versionWeights(document)) !== version || good[0]?.version === version) return document;
  const entry = { version, backend: backendName(endpoint, version), state: "warm", since: time } as const;
  return withGood(document, [entry, ...good.filter((other) => other.version !== version)].slice(0, GOOD_MAX));
}

/** Takes a version out of the good list: it was rejected or quarantined. Its traffic stays where it is. */
export function dropGood(document: TrafficDocument, version: string): TrafficDocument {
  const { good } = document.traffic;
  if (!good.some((entry) => entry.version === version)) return document;
  return withGood(
    document,
    good.filter((entry) => entry.version !== version),
  );
}

function withState(
  document: TrafficDocument,
  version: string,
  state: GoodVersion["state"],
  time: string,
  preparedMs?: number,
): TrafficDocument {
  const { good } = document.traffic;
  if (!good.some((entry) => entry.version === version && entry.state !== state)) return document;
  return withGood(
    document,
    good.map((entry) => {
      if (entry.version !== version) return entry;
      const { backend } = entry;
      return { version, backend, state, since: time, ...(preparedMs === undefined ? {} : { preparedMs }) };
    }),
  );
}

/**
 * Marks a version cold, which must be durable before its backend is scaled down. A version outside the good list needs no
 * mark and changes nothing. Errors: FAILED_PRECONDITION `STILL_SERVING` while it has weight, so that a rollback that came
 * first keeps its target. `preparedMs`: how long its last start took, which is what a rollback to it has to expect.
 */
export function markCold(
  document: TrafficDocument,
  version: string,
  time: string,
  preparedMs?: number,
): TrafficDocument {
  const percent = versionWeights(document)[version];
  if (percent !== undefined) {
    throw failedPrecondition(
      "STILL_SERVING",
      `${version} holds ${percent} % of the traffic and cannot be scaled down: move its traffic away first.`,
      { version, weight: String(percent) },
    );
  }
  return withState(document, version, "cold", time, preparedMs);
}

/** Marks a version warm again, after its backend became ready. */
export function markWarm(document: TrafficDocument, version: string, time: string): TrafficDocument {
  return withState(document, version, "warm", time);
}

/** Holds the endpoint: nothing moves forward until it is resumed. A hold that is there stays as it is. */
export function setHold(document: TrafficDocument, hold: Hold): TrafficDocument {
  if (document.traffic.hold !== null) return document;
  const reason = hold.reason.slice(0, REASON_CHARACTERS_MAX);
  return { ...document, traffic: { ...document.traffic, hold: { ...hold, reason } } };
}

/** Resumes the endpoint; a warm-up under way is given up, since a person wants to go on. */
export function clearHold(document: TrafficDocument, time: string): TrafficDocument {
  if (document.traffic.hold === null) return document;
  const { traffic } = cancelWarmUp(document, time);
  return { ...document, traffic: { ...traffic, hold: null } };
}
