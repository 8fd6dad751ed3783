// Which version a rollback goes back to, from the traffic document and a readiness probe alone.
import { ControlPlaneError, failedPrecondition, invalidArgument } from "./errors.ts";
import {
  baseVersion,
  MOVES_MAX,
  soleVersion,
  versionWeights,
  type GoodVersion,
  type Move,
  type TrafficDocument,
  type Weights,
} from "./traffic.ts";
import { versionsLeft } from "./traffic-moves.ts";
import { backendName } from "./backend.ts";

/** Two people who press the button within this time go back once, when neither says from where. */
export const SAME_ROLLBACK_MS = 60_000;

/** What a caller asks for. */
export interface RollbackAsk {
  /** The version to take off. Without it: the candidate of a split, else the version at 100 %. */
  readonly from?: string;
  /** The version to go back to. Without it: chosen from the document. */
  readonly to?: string;
  readonly requestId?: string;
  /** Hash of the request's content; the same id with another hash is refused. */
  readonly requestHash?: string;
  readonly now: Date;
}

/** A version to go back to. */
export type RollbackTarget = Pick<GoodVersion, "version" | "backend" | "state" | "preparedMs">;

/** How a target's backend answered the probe. `ready` and `unknown` are moved to; `starting` and `cold` are waited for; `dead` is not. */
export type Readiness = "ready" | "unknown" | "starting" | "dead" | "cold";

/** A rollback that has been done already. */
export interface DoneRollback {
  readonly kind: "already-moved";
  readonly from: string;
  /** Empty when no version has traffic. */
  readonly to: string;
  readonly weights: Weights;
  readonly epoch: number;
}

/** A rollback that has been done and that somebody else undid in the store: no move is due, but the weights are to be written again. */
export interface UndoneRollback extends Omit<DoneRollback, "kind"> {
  readonly kind: "put-right";
}

/** What is to be done: nothing more, the weights again, or one move to the first of the targets that can serve (warm ones before cold ones). */
export type RollbackPlan =
  | DoneRollback
  | UndoneRollback
  | {
      readonly kind: "move";
      readonly from: string;
      readonly targets: readonly [RollbackTarget, ...RollbackTarget[]];
    };

const heaviest = (weights: Weights): string =>
  Object.keys(weights).toSorted((one, other) => (weights[other] ?? 0) - (weights[one] ?? 0))[0] ?? "";

/** A move of the list as the answer to a request that it has already fulfilled. */
export function doneRollback(
  move: Move,
  from = heaviest(Object.fromEntries(versionsLeft(move).map((left) => [left, move.from[left] ?? 0]))),
): DoneRollback {
  return {
    kind: "already-moved",
    from,
    to: soleVersion(move.to) ?? heaviest(move.to),
    weights: move.to,
    epoch: move.epoch,
  };
}

/** ALREADY_EXISTS: the same request id with another content. */
export function requestIdReused(requestId: string, when: string): ControlPlaneError {
  return new ControlPlaneError(
    "ALREADY_EXISTS",
    `The request id ${requestId} was used ${when} for another rollback: send a new id with a new request.`,
    { reason: "REQUEST_ID_REUSED", field: "requestId", metadata: { requestId, when } },
  );
}

/** The move that this request id has made, or undefined. Errors: ALREADY_EXISTS when the id was used for another content. */
function replayed(document: TrafficDocument, ask: RollbackAsk): DoneRollback | undefined {
  if (ask.requestId === undefined) return undefined;
  const move = document.traffic.moves.find((move) => move.requestId === ask.requestId);
  if (move === undefined) return undefined;
  if (move.requestHash !== ask.requestHash) throw requestIdReused(ask.requestId, `at epoch ${move.epoch}`);
  return doneRollback(move, ask.from);
}

/** Whether a version gets requests that the document does not give it, because somebody else changed the store. */
const isServedByDrift = (endpoint: string, { drift = {} }: TrafficDocument, version: string): boolean =>
  (drift[backendName(endpoint, version)] ?? 0) > 0;

/** What is to be done for a version that holds traffic in the store and not in the document: the document's weights, written again. */
function putRight(document: TrafficDocument, from: string): UndoneRollback {
  const weights = versionWeights(document);
  const { epoch } = document.traffic;
  return { kind: "put-right", from, to: soleVersion(weights) ?? heaviest(weights), weights, epoch };
}

/** `from` holds no traffic: the move that took it away, or the present state when that move has left the list. */
function alreadyLeft(document: TrafficDocument, from: string): DoneRollback {
  const { moves, epoch } = document.traffic;
  const move = moves.find((move) => versionsLeft(move).includes(from));
  if (move !== undefined) return doneRollback(move, from);
  const served = epoch > MOVES_MAX || document.traffic.good.some((entry) => entry.version === from);
  if (!served) {
    throw failedPrecondition(
      "FROM_NEVER_SERVED",
      `${from} has never held traffic here: name a version that serves, or leave out from.`,
      { from },
    );
  }
  const weights = versionWeights(document);
  return { kind: "already-moved", from, to: soleVersion(weights) ?? heaviest(weights), weights, epoch };
}

/** A rollback without from and to, right after another one whose outcome still stands: the same button pressed twice. */
function pressedTwice(document: TrafficDocument, ask: RollbackAsk): DoneRollback | undefined {
  const newest = document.traffic.moves[0];
  if (ask.from !== undefined || ask.to !== undefined || newest?.kind !== "rollback") return undefined;
  return ask.now.getTime() - Date.parse(newest.time) < SAME_ROLLBACK_MS ? doneRollback(newest) : undefined;
}

/** The version that the rollback takes off when the request does not say. */
function versionToLeave(document: TrafficDocument, to: string | undefined): string {
  const weights = versionWeights(document);
  const keep = to ?? (soleVersion(weights) === undefined ? baseVersion(document) : undefined);
  return heaviest(Object.fromEntries(Object.entries(weights).filter(([version]) => version !== keep)));
}

/** Versions to go back to: the base of a split, then the good ones, latest first; warm before cold. */
function targetsFor(endpoint: string, document: TrafficDocument, from: string): readonly RollbackTarget[] {
  const base = baseVersion(document);
  const known = document.traffic.good;
  const baseEntry = known.find((entry) => entry.version === base);
  const first: readonly RollbackTarget[] =
    base === undefined
      ? []
      : [baseEntry ?? { version: base, backend: backendName(endpoint, base), state: "warm" }];
  const all = [...first, ...known.filter((entry) => entry.version !== base)].filter(
    (entry) => entry.version !== from,
  );
  return [...all.filter((entry) => entry.state === "warm"), ...all.filter((entry) => entry.state === "cold")];
}

/** FAILED_PRECONDITION: there is nothing to go back to. */
export function noGoodVersion(endpoint: string, because: string, remedy: string): ControlPlaneError {
  return failedPrecondition(
    "NO_GOOD_VERSION",
    `${endpoint} has no good version to go back to: ${because}. ${remedy}`,
    { endpoint },
  );
}

const REGISTER = "Register a version that works; traffic stays where it is.";

/**
 * What a rollback has to do, from the document alone. In this order: the same request id has moved already; `from` no longer
 * serves, or `to` holds 100 %; the button was pressed twice within `SAME_ROLLBACK_MS`; else a move. Where somebody else changed
 * the store so that what was done does not hold there, the weights are put right. A replayed request id never does that: it
 * may be an old one, and the change a person's answer to an emergency.
 *
 * Errors: ALREADY_EXISTS `REQUEST_ID_REUSED`, INVALID_ARGUMENT when from and to are the same, FAILED_PRECONDITION
 * `FROM_NEVER_SERVED`, `NOT_A_GOOD_VERSION` (a `to` that never held 100 % or was taken back) or `NO_GOOD_VERSION`.
 */
export function planRollback(endpoint: string, document: TrafficDocument, ask: RollbackAsk): RollbackPlan {
  const weights = versionWeights(document);
  if (ask.from !== undefined && ask.from === ask.to) {
    throw invalidArgument(
      "to",
      `to and from are both ${ask.from}: name another version to go back to, or leave out to.`,
    );
  }
  const replay = replayed(document, ask);
  if (replay !== undefined) return replay;
  if (ask.from !== undefined && weights[ask.from] === undefined) {
    return isServedByDrift(endpoint, document, ask.from)
      ? putRight(document, ask.from)
      : alreadyLeft(document, ask.from);
  }
  if (Object.keys(weights).length === 0) {
    // Whether such an endpoint is configured is in the ledger, which a rollback must not need.
    const because =
      document.traffic.epoch === 0 ? "it never had traffic (is the name right?)" : "no version has traffic";
    throw noGoodVersion(endpoint, because, REGISTER);
  }
  const newest = document.traffic.moves[0];
  if (ask.to !== undefined && newest !== undefined && weights[ask.to] === 100) {
    const done = doneRollback(newest);
    return document.drift === undefined ? done : putRight(document, done.from);
  }
  const twice = pressedTwice(document, ask);
  if (twice !== undefined)
    return isServedByDrift(endpoint, document, twice.from) ? putRight(document, twice.from) : twice;

  const from = ask.from ?? versionToLeave(document, ask.to);
  const all = targetsFor(endpoint, document, from);
  const [first, ...others] = ask.to === undefined ? all : all.filter((entry) => entry.version === ask.to);
  if (first !== undefined) return { kind: "move", from, targets: [first, ...others] };
  if (ask.to === undefined)
    throw noGoodVersion(endpoint, `${from} is the only one that ever held 100 % in good standing`, REGISTER);
  const good = all.map((entry) => entry.version).join(", ") || "none";
  throw failedPrecondition(
    "NOT_A_GOOD_VERSION",
    `${ask.to} is not a version of ${endpoint} in good standing, so traffic is not taken back to it. In good standing: ${good}.`,
    { to: ask.to, good },
  );
}

/** The version to go back to: at once, or once its backend is warm. */
export interface ChosenTarget {
  readonly target: RollbackTarget;
  /** False: it is scaled down or being started, so it is warmed first. */
  readonly now: boolean;
}

/**
 * The target that the rollback goes to: the first whose backend is ready or did not answer in time; else the first that is
 * being started or scaled down, once it is warm. `force` takes the first target at once, whatever its backend says.
 *
 * Errors: FAILED_PRECONDITION `NO_GOOD_VERSION` when all are known dead.
 */
export function chooseTarget(
  endpoint: string,
  targets: readonly [RollbackTarget, ...RollbackTarget[]],
  readiness: ReadonlyMap<string, Readiness>,
  force: boolean,
): ChosenTarget {
  const answer = (target: RollbackTarget): Readiness =>
    target.state === "cold" ? "cold" : (readiness.get(target.version) ?? "unknown");
  const serving = targets.find((target) => ["ready", "unknown"].includes(answer(target)));
  if (serving !== undefined) return { target: serving, now: true };
  if (force) return { target: targets[0], now: true };
  const later = targets.find((target) => answer(target) !== "dead");
  if (later !== undefined) return { target: later, now: false };
  const answers = targets.map((target) => `${target.version} is ${answer(target)}`).join(", ");
  throw noGoodVersion(endpoint, answers, "Try again when one is ready, or move at once with force.");
}
