// The rollback: reads the traffic document, asks the target's backend whether it can serve, and writes. It imports neither
// ledger nor bus, so that it works while they are down; the reconciler records the move afterwards.
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { ControlPlaneError } from "../domain/errors.ts";
import {
  chooseTarget,
  doneRollback,
  planRollback,
  type DoneRollback,
  type Readiness,
  type RollbackTarget,
} from "../domain/rollback-target.ts";
import type { TrafficDocument, Weights } from "../domain/traffic.ts";
import { applyMove } from "../domain/traffic-moves.ts";
import type { BackendStatus, Deploys } from "../ports/deploys.ts";
import { isRetried, readTraffic, type TrafficPorts } from "./traffic.ts";

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
  /** Nothing was written: an earlier move did what was asked. */
  readonly alreadyMoved: boolean;
}

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

/** The move of an attempt whose reply was lost, if it did reach the document. */
function landed(document: TrafficDocument, attempt: Attempt | undefined): DoneRollback | undefined {
  const move = document.traffic.moves.find(
    (move) => move.epoch === attempt?.epoch && move.cause === attempt.cause,
  );
  return move === undefined || attempt === undefined ? undefined : doneRollback(move, attempt.from);
}

/** One try: answers where traffic is, or the attempt whose outcome has to be read again. */
async function attemptRollback(
  ports: RollbackPorts,
  request: RollbackRequest,
  hash: string,
  before: Attempt | undefined,
  started: (attempt: Attempt) => void,
): Promise<(DoneRollback & { readonly mine: boolean }) | undefined> {
  const { endpoint, from, to, requestId, actor, reason, hold } = request;
  const document = await readTraffic(ports.traffic, endpoint);
  const mine = landed(document, before);
  if (mine !== undefined) return { ...mine, mine: true };
  const now = ports.clock.now();
  const plan = planRollback(endpoint, document, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(requestId === undefined ? {} : { requestId, requestHash: hash }),
    now,
  });
  if (plan.kind === "already-moved") return { ...plan, mine: false };

  const readiness = await probe(ports, plan.targets);
  const target = chooseTarget(endpoint, plan.targets, readiness, request.force ?? false);
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
  started({ epoch, cause, from: plan.from });
  const result = await ports.traffic.write(endpoint, next);
  const move = next.traffic.moves[0];
  if (result.kind === "conflict" || move === undefined) return undefined;
  return { ...doneRollback(move, plan.from), mine: true };
}

/**
 * Takes traffic back to the last good version and holds the endpoint. It never stops for another writer: it reads again and
 * writes epoch + 1 over whatever is there, unless what it was asked for has been done meanwhile.
 *
 * Errors: those of `planRollback` and `chooseTarget` (FAILED_PRECONDITION `NO_GOOD_VERSION`, `TARGET_COLD`,
 * `NOT_A_GOOD_VERSION`, `FROM_NEVER_SERVED`; ALREADY_EXISTS `REQUEST_ID_REUSED`), INTERNAL when the document is corrupt,
 * UNAVAILABLE `ROLLBACK_NOT_WRITTEN` when the document could not be read or written in `ROLLBACK_ATTEMPTS_MAX` tries.
 */
export async function rollback(ports: RollbackPorts, request: RollbackRequest): Promise<RollbackResult> {
  const start = ports.clock.now().getTime();
  const hash = requestHash(request);
  let attempt: Attempt | undefined;
  let failure: unknown;
  for (let tried = 0; tried < ROLLBACK_ATTEMPTS_MAX; tried++) {
    try {
      const done = await attemptRollback(ports, request, hash, attempt, (next) => (attempt = next));
      if (done !== undefined) {
        const { from, to, weights, epoch, mine } = done;
        const milliseconds = ports.clock.now().getTime() - start;
        return { from, to, weights, epoch, milliseconds, alreadyMoved: !mine };
      }
      attempt = undefined;
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
