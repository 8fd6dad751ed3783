// From receipt to fact. A receipt stays pending until it is settled, whatever happens in between; so nothing is lost.
import {
  delivery,
  deliveryTrace,
  type DeliveryReading,
  readDelivery,
  TAKEN_EVENTS,
} from "../../shared/domain/delivery.ts";
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import { parseStrictJson } from "../../shared/domain/strict-json.ts";
import type { Receipt, Receipts } from "../../shared/ports/receipts.ts";
import { withLeftBehind } from "../../shared/runtime/left-behind.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { record, type RecordPorts } from "../../shared/runtime/record.ts";

/** Receipts that are read and handled at a time: so many share two commits, and so long the door waits for them. */
export const RECEIPTS_PER_SWEEP_MAX = 25;
/** Receipts in one batch from which on this is a flood: then the door goes first. */
export const FLOOD_RECEIPTS_MIN = 16;
/** While a flood lasts the queue rests so many times as long as its last batch took: the door has the rest of the processor. */
export const FLOOD_REST_TIMES = 3;
/** The longest of these rests. */
export const FLOOD_REST_MS_MAX = 500;

const ACTOR = "services/webhook";

/** What handling receipts needs. */
export interface ReceiptQueuePorts extends RecordPorts {
  readonly receipts: Receipts;
  readonly log: Log;
}

/** Bytes of bodies that wait here; what is beyond is read again when its turn comes. */
export const FRESH_BYTES_MAX = 4_000_000;

/** Handles pending receipts. */
export interface ReceiptQueue {
  /** Handles a receipt that has just been stored, with those that came beside it, as `sweep` does but without reading it again. */
  take(receipt: Receipt): Promise<void>;
  /** Handles what is pending now, once, and resolves when that is done; calls under way are joined. Never throws. */
  sweep(): Promise<void>;
}

/** What the receipt says. Signed bytes may still be no JSON, or the JSON of another event. */
export function readReceipt({ event, body, bodyHash }: Receipt): DeliveryReading {
  if (!TAKEN_EVENTS.has(event)) return readDelivery(event, undefined, bodyHash);
  try {
    return readDelivery(event, parseStrictJson(body), bodyHash);
  } catch (error) {
    if (error instanceof ControlPlaneError) return { kind: "refused", reason: error.message };
    throw error;
  }
}

const reasonOf = (reading: DeliveryReading): string => (reading.kind === "accepted" ? "" : reading.reason);

async function handle(ports: ReceiptQueuePorts, receipt: Receipt): Promise<void> {
  const reading = readReceipt(receipt);
  await record(ports, delivery, {
    stream: `deliveries/${receipt.guid}`,
    cause: `delivery/${receipt.guid}`,
    input: reading,
    inputHash: receipt.bodyHash,
    actor: ACTOR,
    correlation: deliveryTrace(receipt.guid),
    isNew: true,
  });
  const settled = {
    outcome: reading.kind,
    reason: reasonOf(reading),
    time: ports.clock.now().toISOString(),
  } as const;
  await ports.receipts.settle(receipt.guid, settled);
  const fields = { delivery: receipt.guid, event: receipt.event, outcome: reading.kind };
  if (reading.kind === "refused")
    ports.log.warn(fields, `A signed delivery could not be read: ${reading.reason}`);
  else ports.log.info(fields, `A delivery was ${reading.kind}.`);
}

/** Whether the receipt is settled now. What may succeed later stays pending; what cannot is settled as refused. */
async function attempt(ports: ReceiptQueuePorts, receipt: Receipt): Promise<boolean> {
  try {
    await handle(ports, receipt);
    return true;
  } catch (error) {
    const fields = { delivery: receipt.guid, event: receipt.event, error };
    if (isTransient(error)) {
      ports.log.warn(fields, "A delivery could not be handled now; its receipt stays pending.");
      return false;
    }
    const reason = error instanceof Error ? error.message : String(error);
    ports.log.error(fields, "A delivery cannot be handled; its receipt says why.");
    await ports.receipts.settle(receipt.guid, {
      outcome: "refused",
      reason,
      time: ports.clock.now().toISOString(),
    });
    return true;
  }
}

/** Receipts that were stored a moment ago, as they came: at most a batch of them, and so many bytes. */
function createFresh() {
  let receipts: Receipt[] = [];
  let bytes = 0;
  return {
    isEmpty: () => receipts.length === 0,
    /** False when there is no place left. */
    add(receipt: Receipt): boolean {
      const size = receipt.body.byteLength;
      if (receipts.length >= RECEIPTS_PER_SWEEP_MAX || bytes + size > FRESH_BYTES_MAX) return false;
      receipts.push(receipt);
      bytes += size;
      return true;
    },
    takeAll(): readonly Receipt[] {
      const all = receipts;
      receipts = [];
      bytes = 0;
      return all;
    },
  };
}

/** A queue over the pending receipts. One batch at a time; a call during one makes it go on with the next. */
export function createReceiptQueue(ports: ReceiptQueuePorts): ReceiptQueue {
  const fresh = createFresh();
  let running: Promise<void> | undefined;
  /** Whether the pending receipts must be looked at: those that came a moment ago are among them. */
  let look = false;
  const rest = (tookMs: number): Promise<void> =>
    ports.clock.sleep(Math.min(tookMs * FLOOD_REST_TIMES, FLOOD_REST_MS_MAX));
  const next = async (): Promise<readonly Receipt[]> => {
    const came = fresh.takeAll();
    if (!look) return came;
    look = false;
    return ports.receipts.pending(RECEIPTS_PER_SWEEP_MAX);
  };
  const run = async (): Promise<void> => {
    try {
      do {
        const isLook = look;
        const begun = ports.clock.now().getTime();
        const batch = await next();
        // Side by side, so that their decisions share a commit, and then their settlements; each has a stream of its own.
        const outcomes = await Promise.all(
          batch.map((receipt) => withLeftBehind(() => attempt(ports, receipt))),
        );
        const settled = outcomes.filter(Boolean).length;
        // The code host gives up after ten seconds and does not come back: in a flood the door goes first, and decisions follow.
        if ((look || !fresh.isEmpty()) && batch.length >= FLOOD_RECEIPTS_MIN)
          await rest(ports.clock.now().getTime() - begun);
        // A full batch hides more behind it; one of which nothing could be settled would come back as it was.
        if (isLook && batch.length === RECEIPTS_PER_SWEEP_MAX && settled > 0) look = true;
      } while (look || !fresh.isEmpty());
    } catch (error) {
      ports.log.warn({ error }, "Pending deliveries could not be looked at; they wait for the next sweep.");
    } finally {
      running = undefined;
    }
  };
  const begin = (): Promise<void> => {
    running ??= run();
    return running;
  };
  return {
    take(receipt) {
      if (!fresh.add(receipt)) look = true;
      return begin();
    },
    sweep() {
      look = true;
      return begin();
    },
  };
}
