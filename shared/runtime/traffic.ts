// Moving traffic and changing its document by compare-and-set. No ledger, no bus: the reconciler records the moves later.
import { ControlPlaneError, isTransient } from "../domain/errors.ts";
import { EMPTY_TRAFFIC, type Hold, type Move, type TrafficDocument } from "../domain/traffic.ts";
import { applyMove, type MoveRequest } from "../domain/traffic-moves.ts";
import { clearHold, dropGood, markCold, markGood, markWarm, setHold } from "../domain/traffic-standing.ts";
import type { Clock } from "../ports/clock.ts";
import type { Traffic } from "../ports/traffic.ts";

/** Tries of one compare-and-set, each on a fresh read. */
export const PATCH_ATTEMPTS_MAX = 8;

/** Pause before the second try; doubled for each further one. */
export const PATCH_RETRY_MS = 10;

/** What moving traffic needs. */
export interface TrafficPorts {
  readonly traffic: Traffic;
  readonly clock: Clock;
}

/** A move that goes on from a known epoch; the time is the clock's. */
export interface MoveOrder extends Omit<MoveRequest, "time"> {
  readonly endpoint: string;
  /** The epoch that the decision was made on. */
  readonly expectedEpoch: number;
}

/** The document as it stands; an endpoint without one has served no version yet. */
export async function readTraffic(traffic: Traffic, endpoint: string): Promise<TrafficDocument> {
  return (await traffic.read(endpoint)) ?? EMPTY_TRAFFIC;
}

/** Tries until an answer comes; a conflict (undefined) and a transient failure are tried again, at most `PATCH_ATTEMPTS_MAX` times. */
async function patch<Answer>(
  { clock }: TrafficPorts,
  endpoint: string,
  attempt: () => Promise<Answer | undefined>,
): Promise<Answer> {
  let failure: unknown;
  for (let tried = 0; tried < PATCH_ATTEMPTS_MAX; tried++) {
    if (tried > 0) await clock.sleep(PATCH_RETRY_MS * 2 ** (tried - 1));
    try {
      const answer = await attempt();
      if (answer !== undefined) return answer;
      failure = undefined;
    } catch (error) {
      if (!isRetried(error)) throw error;
      failure = error;
    }
  }
  throw new ControlPlaneError(
    failure === undefined ? "ABORTED" : "UNAVAILABLE",
    `The traffic document of ${endpoint} could not be written in ${PATCH_ATTEMPTS_MAX} tries: try again in a moment.`,
    { reason: "TRAFFIC_CONTENDED", metadata: { endpoint }, cause: failure },
  );
}

/** Whether a failed read or write may work at the next try: the store is busy or its reply was lost, not our own stop or a defect. */
export function isRetried(error: unknown): boolean {
  return (
    isTransient(error) &&
    !(error instanceof ControlPlaneError && ["ABORTED", "INTERNAL"].includes(error.code))
  );
}

/** Throws ABORTED `TRAFFIC_MOVED` when traffic has moved since the epoch that a decision was made on. */
export function requireEpoch(endpoint: string, document: TrafficDocument, expectedEpoch?: number): void {
  const { epoch } = document.traffic;
  if (expectedEpoch === undefined || epoch === expectedEpoch) return;
  throw new ControlPlaneError(
    "ABORTED",
    `Traffic of ${endpoint} is at epoch ${epoch}, not ${expectedEpoch}: someone moved it. Read it again and decide anew.`,
    {
      reason: "TRAFFIC_MOVED",
      metadata: { endpoint, epoch: String(epoch), expectedEpoch: String(expectedEpoch) },
    },
  );
}

/**
 * Moves traffic from the epoch that the decision was made on. Epoch unchanged: writes, and again after a conflict. Epoch + 1
 * with this cause: the reply was lost, the move is done. Any other epoch: stops with ABORTED `TRAFFIC_MOVED`.
 *
 * Errors also: those of `applyMove` (a hold, impossible weights), ABORTED or UNAVAILABLE `TRAFFIC_CONTENDED` after
 * `PATCH_ATTEMPTS_MAX` tries. Repeating the same order is harmless.
 */
export async function moveTraffic(
  ports: TrafficPorts,
  order: MoveOrder,
): Promise<{ readonly document: TrafficDocument; readonly move: Move }> {
  const { endpoint, expectedEpoch, ...request } = order;
  return patch(ports, endpoint, async () => {
    const document = await readTraffic(ports.traffic, endpoint);
    const { epoch, moves } = document.traffic;
    const newest = moves[0];
    if (epoch === expectedEpoch + 1 && newest?.cause === request.cause) return { document, move: newest };
    requireEpoch(endpoint, document, expectedEpoch);
    const next = applyMove(endpoint, document, { ...request, time: ports.clock.now().toISOString() });
    const result = await ports.traffic.write(endpoint, next);
    const move = next.traffic.moves[0];
    return result.kind === "written" && move !== undefined ? { document: result.document, move } : undefined;
  });
}

/** Writes a change that is no move, on whatever document is there. Answers whether anything had to be written. */
export async function editTraffic(
  ports: TrafficPorts,
  endpoint: string,
  change: (document: TrafficDocument, time: string) => TrafficDocument,
): Promise<{ readonly document: TrafficDocument; readonly changed: boolean }> {
  return patch(ports, endpoint, async () => {
    const document = await readTraffic(ports.traffic, endpoint);
    const next = change(document, ports.clock.now().toISOString());
    if (next === document) return { document, changed: false };
    const result = await ports.traffic.write(endpoint, next);
    return result.kind === "written" ? { document: result.document, changed: true } : undefined;
  });
}

/** What a change of the document answers. */
export type TrafficEdit = ReturnType<typeof editTraffic>;

/** Holds the endpoint; a hold that is there stays. */
export function holdEndpoint(ports: TrafficPorts, endpoint: string, hold: Omit<Hold, "time">): TrafficEdit {
  return editTraffic(ports, endpoint, (document, time) => setHold(document, { ...hold, time }));
}

/** Clears the hold of the endpoint. */
export function resumeEndpoint(ports: TrafficPorts, endpoint: string): TrafficEdit {
  return editTraffic(ports, endpoint, (document, time) => clearHold(document, time));
}

/** Puts the version that holds 100 % into the good list: a first version, after its *pass*. */
export function markVersionGood(ports: TrafficPorts, endpoint: string, version: string): TrafficEdit {
  return editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, version, time));
}

/** Takes a rejected or quarantined version out of the good list. */
export function dropGoodVersion(ports: TrafficPorts, endpoint: string, version: string): TrafficEdit {
  return editTraffic(ports, endpoint, (document) => dropGood(document, version));
}

/** Marks a version cold before its backend is retired; FAILED_PRECONDITION `STILL_SERVING` while it has weight. */
export function markVersionCold(
  ports: TrafficPorts,
  endpoint: string,
  version: string,
  preparedMs?: number,
): TrafficEdit {
  return editTraffic(ports, endpoint, (document, time) => markCold(document, version, time, preparedMs));
}

/** Marks a version warm after its backend became ready again. */
export function markVersionWarm(ports: TrafficPorts, endpoint: string, version: string): TrafficEdit {
  return editTraffic(ports, endpoint, (document, time) => markWarm(document, version, time));
}
