// Moves of traffic: the only changes of weights, each one epoch further and each leaving its trace in the document.
import { backendName } from "./backend.ts";
import { ControlPlaneError, failedPrecondition } from "./errors.ts";
import {
  GOOD_MAX,
  MOVES_MAX,
  soleVersion,
  versionWeights,
  type GoodVersion,
  type Move,
  type MoveKind,
  type TrafficDocument,
  type Weights,
} from "./traffic.ts";
import { operationsAfter } from "./warm-up.ts";

/** Characters of a reason that the document keeps: 16 moves must fit into one Kubernetes annotation. A longer one is cut. */
export const REASON_CHARACTERS_MAX = 500;

/** What a move is to do. */
export interface MoveRequest {
  readonly kind: MoveKind;
  /** Model version → percent; zeros may be left out. */
  readonly to: Weights;
  readonly cause: string;
  readonly actor: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly time: string;
  readonly requestId?: string;
  readonly requestHash?: string;
  /** Whether a rollback holds the endpoint; yes unless a policy says otherwise. An existing hold stays in any case. */
  readonly hold?: boolean;
}

const withoutZeros = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).filter(([, percent]) => percent !== 0));

const sum = (weights: Weights): number =>
  Object.values(weights).reduce((total, percent) => total + percent, 0);

function refuseWeights(request: MoveRequest, rule: string): never {
  throw new ControlPlaneError(
    "INVALID_ARGUMENT",
    `A move of kind ${request.kind} to ${JSON.stringify(request.to)} is not possible: ${rule}.`,
    {
      reason: "INVALID_WEIGHTS",
      field: "to",
      metadata: { kind: request.kind, to: JSON.stringify(request.to) },
    },
  );
}

function requireWeights(request: MoveRequest, from: Weights, to: Weights): void {
  const percents = Object.values(to);
  if (percents.some((percent) => !Number.isInteger(percent) || percent < 0 || percent > 100)) {
    refuseWeights(request, "weights are whole percents from 0 to 100");
  }
  const mayEmpty = request.kind === "abort" || request.kind === "replace";
  if (sum(to) !== 100 && !(mayEmpty && sum(to) === 0)) refuseWeights(request, "the weights must sum to 100");
  const sole = soleVersion(to) !== undefined;
  if ((request.kind === "first" || request.kind === "rollback") && !sole) {
    refuseWeights(request, "one version takes all of the traffic");
  }
  if (request.kind === "first" && sum(from) > 0)
    refuseWeights(request, "the endpoint already serves a version");
  if (request.kind === "advance" && sum(from) === 0)
    refuseWeights(request, "the first move is of kind first");
}

function requireNotHeld(endpoint: string, document: TrafficDocument, kind: MoveKind): void {
  const { hold } = document.traffic;
  if (hold === null || (kind !== "first" && kind !== "advance")) return;
  throw failedPrecondition(
    "ENDPOINT_HELD",
    `${endpoint} is held since ${hold.time} (${hold.reason}): resume it before traffic moves forward again.`,
    { endpoint, hold: hold.cause },
  );
}

/** The versions that a move took all traffic from. After a rollback these are the ones that were rolled back. */
export function versionsLeft(move: Pick<Move, "from" | "to">): readonly string[] {
  return Object.keys(move.from).filter((version) => move.to[version] === undefined);
}

/** The good list after a move: a rollback strikes out what it left, a promotion puts its version first, what serves is warm. */
function goodAfter(endpoint: string, document: TrafficDocument, move: Move): readonly GoodVersion[] {
  const left = move.kind === "rollback" ? versionsLeft(move) : [];
  const kept = document.traffic.good
    .filter((entry) => !left.includes(entry.version))
    .map((entry) =>
      entry.state === "cold" && move.to[entry.version] !== undefined
        ? { version: entry.version, backend: entry.backend, state: "warm" as const, since: move.time }
        : entry,
    );
  const winner = soleVersion(move.to);
  if (winner === undefined) return kept;
  const known = kept.find((entry) => entry.version === winner);
  if (known === undefined && move.kind !== "advance") return kept;
  const first = {
    version: winner,
    backend: backendName(endpoint, winner),
    state: "warm",
    since: move.time,
  } as const;
  return [first, ...kept.filter((entry) => entry.version !== winner)].slice(0, GOOD_MAX);
}

/**
 * The document after one move: epoch + 1, weights of the move, the move first in the list, good versions and hold as the
 * kind of move asks. The resource version is left to the write.
 *
 * An advance to 100 is a promotion: its version enters the good list. A first version enters it only by `markGood`.
 * Errors: INVALID_ARGUMENT for weights that are no split, FAILED_PRECONDITION `ENDPOINT_HELD` for a move forward during a hold.
 */
export function applyMove(
  endpoint: string,
  document: TrafficDocument,
  request: MoveRequest,
): TrafficDocument {
  const from = versionWeights(document);
  const to = withoutZeros(request.to);
  requireWeights(request, from, to);
  requireNotHeld(endpoint, document, request.kind);
  const { epoch, moves, hold } = document.traffic;
  const { cause, kind, actor, time, requestId, requestHash } = request;
  const reason = request.reason.slice(0, REASON_CHARACTERS_MAX);
  const move: Move = {
    epoch: epoch + 1,
    cause,
    kind,
    ...(requestId === undefined ? {} : { requestId }),
    ...(requestHash === undefined ? {} : { requestHash }),
    actor,
    reason,
    from,
    to,
    time,
  };
  const holds = kind === "rollback" && request.hold !== false;
  const operations = operationsAfter(document.traffic.operations, move);
  return {
    ...document,
    weights: Object.fromEntries(
      Object.entries(to).map(([version, percent]) => [backendName(endpoint, version), percent]),
    ),
    traffic: {
      epoch: epoch + 1,
      moves: [move, ...moves].slice(0, MOVES_MAX),
      good: goodAfter(endpoint, document, move),
      hold: hold ?? (holds ? { cause, actor, reason, time } : null),
      ...(operations === undefined ? {} : { operations }),
    },
  };
}
