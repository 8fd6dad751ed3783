// Deliveries that GitHub sent and that never got here: it tries once, so we ask for what has no receipt.
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
/** Receipts that are compared with the log. */
export const RECEIPTS_COMPARED_MAX = 10_000;

/** What the sweep needs. */
export interface RedeliverySweepPorts {
  readonly deliveryLog: DeliveryLog;
  readonly receipts: Pick<Receipts, "list">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Attempts by the event that they are of. */
function byEvent(attempts: readonly LoggedDelivery[]): ReadonlyMap<string, readonly LoggedDelivery[]> {
  const events = new Map<string, LoggedDelivery[]>();
  for (const each of attempts) {
    if (!TAKEN_EVENTS.has(each.event)) continue;
    const known = events.get(each.guid);
    if (known === undefined) events.set(each.guid, [each]);
    else known.push(each);
  }
  return events;
}

/** Asks again for every event that has no receipt, whatever GitHub thinks became of it. Answers how many. Safe to repeat. */
export async function sweepRedeliveries(ports: RedeliverySweepPorts): Promise<number> {
  const { deliveryLog, receipts, clock, log } = ports;
  const nowMs = clock.now().getTime();
  const kept = await receipts.list(RECEIPTS_COMPARED_MAX);
  const guids = new Set(kept.map(({ guid }) => guid));
  // A full list says nothing of what is older than its end.
  const oldest = kept.length < RECEIPTS_COMPARED_MAX ? undefined : kept.at(-1)?.receivedAt;
  const from = Math.max(nowMs - REDELIVERY_WINDOW_MS, oldest === undefined ? 0 : Date.parse(oldest));
  let asked = 0;
  for (const [guid, attempts] of byEvent(await deliveryLog.since(new Date(from)))) {
    if (guids.has(guid)) continue;
    const newest = attempts.reduce((one, other) => (other.deliveredAt > one.deliveredAt ? other : one));
    if (Date.parse(newest.deliveredAt) > nowMs - REDELIVERY_GRACE_MS) continue;
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
