// Deliveries that GitHub sent and that never got here: it tries once, so we ask for what has no receipt. A database bills each receipt
// that is read, so what had one is remembered, and only as many are read as tell about the others.
import { TAKEN_EVENTS } from "../../shared/domain/delivery.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { DeliveryLog, LoggedDelivery } from "../../shared/ports/delivery-log.ts";
import type { Receipts } from "../../shared/ports/receipts.ts";
import type { Log } from "../../shared/runtime/log.ts";

/** How long GitHub can deliver again (https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks). */
export const REDELIVERY_WINDOW_MS = 3 * 24 * 60 * 60_000;
/** A delivery this young may still be on its way. */
export const REDELIVERY_GRACE_MS = 2 * 60_000;
/** Attempts of one event after which only a person can help. */
export const DELIVERY_ATTEMPTS_MAX = 4;
/** Deliveries that are asked for in one sweep. */
export const REDELIVERIES_PER_SWEEP_MAX = 50;
/** Receipts that are read, newest first, until they reach back to the oldest delivery that nobody knows of. */
const RECEIPTS_READ = [100, 1_000] as const;
/** Receipts that are compared with the log. */
export const RECEIPTS_COMPARED_MAX = 10_000;

/** What the sweep needs. */
export interface RedeliverySweepPorts {
  readonly deliveryLog: DeliveryLog;
  readonly receipts: Pick<Receipts, "list">;
  readonly clock: Clock;
  readonly log: Log;
}

type Events = ReadonlyMap<string, readonly LoggedDelivery[]>;

/** Attempts by the event that they are of. */
function byEvent(attempts: readonly LoggedDelivery[]): Events {
  return Map.groupBy(
    attempts.filter(({ event }) => TAKEN_EVENTS.has(event)),
    ({ guid }) => guid,
  );
}

/** What an earlier sweep found out. */
interface Memory {
  /** Events that have a receipt. */
  readonly known: ReadonlySet<string>;
  /** Events that were compared with the receipts, and when: for those without one only a younger receipt can be news. */
  readonly compared: ReadonlySet<string>;
  readonly comparedAtMs: number;
}

const NOTHING: Memory = { known: new Set(), compared: new Set(), comparedAtMs: 0 };

/** How far back receipts must be read for these events. */
function neededFrom(missing: Events, { compared, comparedAtMs }: Memory): number {
  let from = Number.POSITIVE_INFINITY;
  for (const [guid, attempts] of missing) {
    const times = attempts.map(({ deliveredAt }) => Date.parse(deliveredAt));
    from = Math.min(from, compared.has(guid) ? comparedAtMs : Math.min(...times));
  }
  // Clocks differ: a receipt may look older than the attempt that brought it.
  return from - REDELIVERY_GRACE_MS;
}

/** Adds to `known` what has a receipt, and answers since when that is the whole truth. */
async function readReceipts(receipts: Pick<Receipts, "list">, known: Set<string>, fromMs: number) {
  for (const limit of [...RECEIPTS_READ, RECEIPTS_COMPARED_MAX]) {
    const kept = await receipts.list(limit);
    for (const { guid } of kept) known.add(guid);
    if (kept.length < limit) return 0;
    const reach = Date.parse(kept.at(-1)?.receivedAt ?? "");
    if (reach < fromMs || limit === RECEIPTS_COMPARED_MAX) return reach;
  }
  return 0;
}

/** Asks again for what is missing. Answers how many. */
async function askAgain({ deliveryLog, clock, log }: RedeliverySweepPorts, missing: Events): Promise<number> {
  const youngest = clock.now().getTime() - REDELIVERY_GRACE_MS;
  let asked = 0;
  for (const [guid, attempts] of missing) {
    const newest = attempts.reduce((one, other) => (other.deliveredAt > one.deliveredAt ? other : one));
    if (Date.parse(newest.deliveredAt) > youngest) continue;
    const fields = { delivery: guid, event: newest.event, attempts: attempts.length };
    if (attempts.length >= DELIVERY_ATTEMPTS_MAX) {
      log.warn(
        fields,
        "A delivery has no receipt after several attempts: look at it in the GitHub App's settings.",
      );
      continue;
    }
    if (asked >= REDELIVERIES_PER_SWEEP_MAX) break;
    await deliveryLog.redeliver(newest.id);
    asked += 1;
    log.info(fields, "A delivery without a receipt was asked for again.");
  }
  return asked;
}

/**
 * A sweep that asks again for every event that has no receipt, whatever GitHub thinks became of it, and answers how many. Safe to
 * repeat, also at the same time. What it found out is remembered as long as GitHub lists the event.
 */
export function createRedeliverySweep(ports: RedeliverySweepPorts): () => Promise<number> {
  let memory = NOTHING;
  return async () => {
    const nowMs = ports.clock.now().getTime();
    const events = byEvent(await ports.deliveryLog.since(new Date(nowMs - REDELIVERY_WINDOW_MS)));
    const known = new Set([...memory.known].filter((guid) => events.has(guid)));
    const missing = (): Events => new Map([...events].filter(([guid]) => !known.has(guid)));
    if (missing().size === 0) return 0;
    const from = neededFrom(missing(), memory);
    const reach = await readReceipts(ports.receipts, known, from);
    const isCompared = ([guid, attempts]: readonly [string, readonly LoggedDelivery[]]): boolean =>
      (memory.compared.has(guid) && reach <= memory.comparedAtMs) ||
      attempts.every(({ deliveredAt }) => Date.parse(deliveredAt) >= reach);
    const compared = new Map([...events].filter(isCompared));
    memory = { known, compared: new Set(compared.keys()), comparedAtMs: nowMs };
    return askAgain(ports, new Map([...missing()].filter(([guid]) => compared.has(guid))));
  };
}
