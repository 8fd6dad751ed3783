// The code host's deliveries: late, repeated under the same or another guid, in any order, or missing until somebody redelivers.
import { createHash } from "node:crypto";
import { type Callers, persist } from "./client.ts";

/** How late a delivery may be, and how often it comes. */
const LATE_MS_MAX = 4_000;
const COPIES_MAX = 4;
/** Chances that it comes more than once, and that it does not come at all. */
const AGAIN_CHANCE = 0.3;
const MISSING_CHANCE = 0.06;

interface Delivery {
  readonly event: string;
  readonly body: Uint8Array;
  readonly guid: string;
  readonly bodyHash: string;
}

/** The code host as a sender. `track` is given every delivery that is under way. */
export function createGitHub(callers: Callers, track: (work: Promise<unknown>) => void) {
  const { random, time, history, faults } = callers.outside;
  const accepted = new Set<string>();
  const missing: Delivery[] = [];
  let deliveries = 0;

  const arrive = async (delivery: Delivery): Promise<void> => {
    await time.sleep(random.uniform() * LATE_MS_MAX);
    const { guid, event } = delivery;
    const put = await persist(callers, "github", `delivers ${event} as ${guid}`, async (process) => {
      const receivedAt = time.now().toISOString();
      const receipt = { ...delivery, receivedAt };
      const stored = await process.ports.receipts.put(receipt);
      if (stored.kind === "stored") void process.receiptQueue.take(receipt);
      else if (!stored.settled) void process.receiptQueue.sweep();
      return stored;
    });
    if (put === undefined) return;
    if (put.kind === "duplicate") history.mark("a delivery that came twice");
    accepted.add(put.kind === "duplicate" ? put.guid : guid);
  };

  return {
    /** Guids of deliveries that were answered as received. */
    accepted,
    /** Sends an event, as well as it can. */
    send(event: string, payload: unknown): void {
      const body = Buffer.from(JSON.stringify(payload));
      const bodyHash = `sha256:${createHash("sha256").update(event).update(body).digest("hex")}`;
      const delivery = { event, body, guid: `guid-${++deliveries}`, bodyHash };
      if (!faults.healed() && random.uniform() < MISSING_CHANCE) {
        history.add("github", `does not deliver ${event} as ${delivery.guid}`);
        history.mark("a delivery that was missing");
        missing.push(delivery);
        return;
      }
      const copies = random.uniform() < AGAIN_CHANCE ? 1 + Math.floor(random.uniform() * COPIES_MAX) : 1;
      for (let copy = 0; copy < copies; copy++) {
        const other = copy > 0 && random.uniform() < 0.5;
        track(arrive(other ? { ...delivery, guid: `${delivery.guid}-again-${copy}` } : delivery));
      }
    },
    /** Somebody looks through the deliveries and sends again what never came. */
    redeliver(): void {
      for (const delivery of missing.splice(0)) track(arrive(delivery));
    },
  };
}
