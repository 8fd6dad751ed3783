// The rollback: reads the traffic document, asks the target's backend whether it can serve, and writes. It imports neither
// ledger nor bus, so that it works while they are down; the reconciler records the move afterwards.
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { ControlPlaneError, failedPrecondition } from "../domain/errors.ts";
import {
  chooseTarget,
  doneRollback,
  planRollback,
  requestIdReused,
  type DoneRollback,
  type Readiness,
  type RollbackTarget,
} from "../domain/rollback-target.ts";
import type { TrafficDocument, WarmUp, Weights } from "../domain/traffic.ts";
import { applyMove, REASON_CHARACTERS_MAX } from "../domain/traffic-moves.ts";
import { acceptWarmUp, openWarmUp, WARM_UP_MS_DEFAULT, warmUpId } from "../domain/warm-up.ts";
import type { BackendStatus, Deploys } from "../ports/deploys.ts";
import { isRetried, readTraffic, requireEpoch, type TrafficPorts } from "./traffic.ts";

/** How long the readiness probe of the targets may take, all of them together; then they count as unknown. */
export const READINESS_TIMEOUT_MS = 200;

/** Tries of one rollback, each on a fresh read: a rollback outlasts every other writer, yet ends. */
export const ROLLBACK_ATTEMPTS_MAX = 50;

/** Pause after a failed read or write. A lost race is tried again at once. */
export const ROLLBACK_RETRY_MS = 50;

/** What a rollback needs: the document, a probe, and time. */
export interface RollbackPorts extends TrafficPorts {
  readonly deploys: Pick<Deploys, "status">;
}

/** What a person, the judge or a timer asks for. */
export interface RollbackRequest {
  readonly endpoint: string;
  readonly actor: string;
  readonly reason: string;
  /** The version to take off. Always send it: then pressing twice is harmless at any time. */
  readonly from?: string;
  readonly to?: string;
  readonly requestId?: string;
  /** Moves at once, also to a target that is cold or does not answer. */
  readonly force?: boolean;
  /** What this rollback answers; derived from request id, or epoch and content, when it is left out. */
  readonly cause?: string;
  /** `false` leaves the endpoint free, where the policy of a rollout says so. A person's rollback always holds. */
  readonly hold?: boolean;
  /** The epoch that it was decided on, where another move is a reason to decide anew: then nothing moves. Without it any epoch will do. */
  readonly expectedEpoch?: number;
}

/** Where traffic went. */
export interface RollbackResult {
  readonly from: string;
  /** Empty only when it was moved away already and no version has traffic. */
  readonly to: string;
  /** Model version → percent, after the move. */
  readonly weights: Weights;
  /** The epoch of the move. */
  readonly epoch: number;
  /** From the call to the durable write. */
  readonly milliseconds: number;
  /** No move was made: an earlier one did what was asked. */
  readonly alreadyMoved: boolean;
  /** Somebody else had changed the weights where they are stored; this rollback wrote them anew. */
  readonly drifted: boolean;
}

/** What became of a rollback: traffic is where it was to go, or will be once the version there is warm. */
export type RollbackOutcome =
  | { readonly kind: "moved"; readonly result: RollbackResult }
  | { readonly kind: "warming"; readonly warmUp: WarmUp };

const READINESS: Readonly<Record<BackendStatus["state"], Readiness>> = {
  ready: "ready",
  unknown: "unknown",
  preparing: "starting",
  unready: "dead",
  failed: "dead",
  cold: "cold",
};

/** How the backends of the warm targets stand, asked all at once; whoever does not answer in time, or fails, is unknown. */
async function probe(
  { deploys, clock }: RollbackPorts,
  targets: readonly RollbackTarget[],
): Promise<ReadonlyMap<string, Readiness>> {
  const answers = new Map<string, Readiness>();
  const stop = new AbortController();
  const asked = targets
    .filter((target) => target.state === "warm")
    .map(async (target) => {
      const status = await deploys.status(target.backend, READINESS_TIMEOUT_MS);
      answers.set(target.version, READINESS[status.state]);
    });
  await Promise.race([Promise.allSettled(asked), clock.sleep(READINESS_TIMEOUT_MS, stop.signal)]);
  stop.abort();
  return new Map(answers);
}

/** `sha256` over what the caller asked for: the same request id must come with the same content. */
function requestHash({ endpoint, from, to, reason, force }: RollbackRequest): string {
  const content = canonicalize({ endpoint, from, to, reason, force: force ?? false }) ?? "";
  return createHash("sha256").update(content).digest("hex");
}

interface Attempt {
  readonly epoch: number;
  readonly cause: string;
  readonly from: string;
}

/** What one try leaves to the next. */
interface Memory {
  /** The move that was written last, when it is not known whether it arrived. */
  attempt?: Attempt | undefined;
  /** A document was written over a drift. */
  drifted: boolean;
}

/** The move of an attempt whose reply was lost, if it did reach the document. */
function landed(document: TrafficDocument, attempt: Attempt | undefined): DoneRollback | undefined {
  const move = document.traffic.moves.find(
    (move) => move.epoch === attempt?.epoch && move.cause === attempt.cause,
  );
  return move === undefined || attempt === undefined ? undefined : doneRollback(move, attempt.from);
}

type Tried =
  | (DoneRollback & { readonly mine: boolean })
  | { readonly kind: "warming"; readonly warmUp: WarmUp }
  | undefined;

/** The warm-up that this request id has begun and that no move has ended. */
function knownWarmUp(
  document: TrafficDocument,
  requestId: string | undefined,
  hash: string,
): WarmUp | undefined {
  if (requestId === undefined) return undefined;
  const known = document.traffic.operations?.find((operation) => operation.requestId === requestId);
  if (known === undefined) return undefined;
  if (known.requestHash !== hash) throw requestIdReused(requestId, `at ${known.time}`);
  return known.end?.epoch === undefined ? known : undefined;
}

/** Takes on to warm the target and to move then; joins a warm-up to it that is under way. Undefined: someone else wrote first. */
async function warmFirst(
  ports: RollbackPorts,
  request: RollbackRequest,
  document: TrafficDocument,
  { from, target, hash, now }: { from: string; target: RollbackTarget; hash: string; now: Date },
): Promise<Tried> {
  const { endpoint, actor, requestId, hold } = request;
  const open = openWarmUp(document);
  if (open?.to === target.version) return { kind: "warming", warmUp: open };
  const time = now.toISOString();
  const cause = request.cause ?? `rollback/${requestId ?? `${time}/${hash.slice(0, 12)}`}`;
  const eta = new Date(now.getTime() + (target.preparedMs ?? WARM_UP_MS_DEFAULT)).toISOString();
  const warmUp: WarmUp = {
    id: warmUpId(endpoint, cause, time),
    cause,
    from,
    to: target.version,
    backend: target.backend,
    actor,
    reason: request.reason.slice(0, REASON_CHARACTERS_MAX),
    ...(requestId === undefined ? {} : { requestId, requestHash: hash }),
    ...(hold === undefined ? {} : { hold }),
    time,
    eta,
  };
  const result = await ports.traffic.write(endpoint, acceptWarmUp(document, warmUp));
  return result.kind === "conflict" ? undefined : { kind: "warming", warmUp };
}

/** One try: answers where traffic is or what is warmed, or undefined when it has to be read again. */
async function attemptRollback(
  ports: RollbackPorts,
  request: RollbackRequest,
  hash: string,
  memory: Memory,
): Promise<Tried> {
  const { endpoint, from, to, requestId, actor, reason, hold } = request;
  const document = await readTraffic(ports.traffic, endpoint);
  const mine = landed(document, memory.attempt);
  if (mine !== undefined) return { ...mine, mine: true };
  const begun = knownWarmUp(document, requestId, hash);
  if (begun !== undefined) return { kind: "warming", warmUp: begun };
  requireEpoch(endpoint, document, request.expectedEpoch);
  const now = ports.clock.now();
  const plan = planRollback(endpoint, document, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(requestId === undefined ? {} : { requestId, requestHash: hash }),
    now,
  });
  if (plan.kind === "already-moved") return { ...plan, mine: false };
  if (plan.kind === "put-right") {
    memory.drifted = true;
    const written = await ports.traffic.write(endpoint, document);
    return written.kind === "conflict" ? undefined : { ...plan, kind: "already-moved", mine: false };
  }

  const readiness = await probe(ports, plan.targets);
  const chosen = chooseTarget(endpoint, plan.targets, readiness, request.force ?? false);
  const { target } = chosen;
  if (!chosen.now) return warmFirst(ports, request, document, { from: plan.from, target, hash, now });
  const epoch = document.traffic.epoch + 1;
  const cause = request.cause ?? `rollback/${requestId ?? `${epoch}/${hash.slice(0, 12)}`}`;
  const next = applyMove(endpoint, document, {
    kind: "rollback",
    to: { [target.version]: 100 },
    cause,
    actor,
    reason,
    time: now.toISOString(),
    ...(requestId === undefined ? {} : { requestId, requestHash: hash }),
    ...(hold === undefined ? {} : { hold }),
  });
  memory.attempt = { epoch, cause, from: plan.from };
  memory.drifted ||= document.drift !== undefined;
  const result = await ports.traffic.write(endpoint, next);
  const move = next.traffic.moves[0];
  if (result.kind === "conflict" || move === undefined) return undefined;
  return { ...doneRollback(move, plan.from), mine: true };
}

/**
 * Takes traffic back to the last good version and holds the endpoint. Where no version in good standing can serve now and one
 * is scaled down, that one is warmed first: the document then says so, and `driveWarmUp` moves. It never stops for another writer, unless it expects an epoch: it reads again and
 * writes epoch + 1 over whatever is there, unless what it was asked for has been done meanwhile. Where it has been done and
 * somebody else undid it in the store, it writes the weights again, at the same epoch.
 *
 * Errors: ABORTED `TRAFFIC_MOVED` at another epoch than the expected one, where one is; those of `planRollback` and `chooseTarget` (FAILED_PRECONDITION `NO_GOOD_VERSION`, `NOT_A_GOOD_VERSION`, `FROM_NEVER_SERVED`; ALREADY_EXISTS `REQUEST_ID_REUSED`), INTERNAL when the document is corrupt,
 * UNAVAILABLE `ROLLBACK_NOT_WRITTEN` when the document could not be read or written in `ROLLBACK_ATTEMPTS_MAX` tries.
 */
export async function askRollback(ports: RollbackPorts, request: RollbackRequest): Promise<RollbackOutcome> {
  const start = ports.clock.now().getTime();
  const hash = requestHash(request);
  const memory: Memory = { drifted: false };
  let failure: unknown;
  for (let tried = 0; tried < ROLLBACK_ATTEMPTS_MAX; tried++) {
    try {
      const done = await attemptRollback(ports, request, hash, memory);
      if (done?.kind === "warming") return done;
      if (done !== undefined) {
        const { from, to, weights, epoch, mine } = done;
        const milliseconds = ports.clock.now().getTime() - start;
        const { drifted } = memory;
        const result = { from, to, weights, epoch, milliseconds, alreadyMoved: !mine, drifted };
        return { kind: "moved", result };
      }
      memory.attempt = undefined;
    } catch (error) {
      if (!isRetried(error)) throw error;
      failure = error;
      await ports.clock.sleep(ROLLBACK_RETRY_MS);
    }
  }
  throw new ControlPlaneError(
    "UNAVAILABLE",
    `The traffic document of ${request.endpoint} could not be changed in ${ROLLBACK_ATTEMPTS_MAX} tries: look at its store and try again.`,
    { reason: "ROLLBACK_NOT_WRITTEN", metadata: { endpoint: request.endpoint }, cause: failure },
  );
}

/** `askRollback` for callers who ask again until traffic has moved. Errors also: UNAVAILABLE `TARGET_WARMING` until then; FAILED_PRECONDITION when the warm-up of this request has failed. */
export async function rollback(ports: RollbackPorts, request: RollbackRequest): Promise<RollbackResult> {
  const outcome = await askRollback(ports, request);
  if (outcome.kind === "moved") return outcome.result;
  const { to, eta, end } = outcome.warmUp;
  // This request has had its chance: asking again gets the same answer for ever.
  if (end?.failure !== undefined)
    throw failedPrecondition(
      end.failure.reason,
      `${request.endpoint} was not rolled back to ${to}: ${end.failure.message} Ask anew if it is still to be.`,
      { endpoint: request.endpoint, to },
    );
  throw new ControlPlaneError(
    "UNAVAILABLE",
    `${to} is being warmed and takes the traffic of ${request.endpoint} when it is ready, about ${eta}: ask again.`,
    { reason: "TARGET_WARMING", metadata: { endpoint: request.endpoint, to, eta } },
  );
}
