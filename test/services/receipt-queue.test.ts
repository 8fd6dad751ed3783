// The queue behind the door: at once when it is quiet, in the second place while a flood lasts.
import { expect, onTestFinished, test } from "vitest";
import {
  createReceiptQueue,
  FLOOD_RECEIPTS_MIN,
  FLOOD_REST_MS_MAX,
  FLOOD_REST_TIMES,
} from "../../services/webhook/receipt-queue.ts";
import { turns } from "../support/clock.ts";
import { createWorld } from "../support/world.ts";

/** What a batch takes in these tests. */
const BATCH_MS = 20;

/** A queue whose every batch takes `BATCH_MS` and its appends, during which one more delivery arrives until `arriving` is false. */
function flooded(appendMs = 0) {
  const world = createWorld({});
  onTestFinished(() => world.close());
  const flood = { arriving: true, batches: [] as number[] };
  let number = 0;
  const arrive = async (count: number): Promise<void> => {
    for (let each = 0; each < count; each += 1) {
      number += 1;
      const receivedAt = world.clock.now().toISOString();
      await world.receipts.put({
        guid: `g${number}`,
        event: "star",
        bodyHash: `h${number}`,
        body: new Uint8Array(),
        receivedAt,
      });
    }
  };
  const queue = createReceiptQueue({
    ...world,
    ledger: {
      ...world.ledger,
      async append(batch) {
        await world.clock.sleep(appendMs);
        return world.ledger.append(batch);
      },
    },
    receipts: {
      ...world.receipts,
      async pending(limit) {
        const batch = await world.receipts.pending(limit);
        flood.batches.push(batch.length);
        await world.clock.sleep(BATCH_MS);
        if (flood.arriving) {
          await arrive(1);
          void queue.sweep();
        }
        return batch;
      },
    },
  });
  return { world, queue, flood, arrive };
}

test("what arrives while a few are decided is decided at once", async () => {
  const { world, queue, flood, arrive } = flooded();
  await arrive(FLOOD_RECEIPTS_MIN - 1);
  const swept = queue.sweep();
  await world.clock.advance(BATCH_MS);
  flood.arriving = false;
  await world.clock.advance(BATCH_MS);
  await swept;
  expect(flood.batches).toEqual([FLOOD_RECEIPTS_MIN - 1, 1]);
});

test("a flood's decisions leave the door the rest of the time, and all are made", async () => {
  const { world, queue, flood, arrive } = flooded();
  await arrive(FLOOD_RECEIPTS_MIN);
  const swept = queue.sweep();
  await world.clock.advance(BATCH_MS);
  await world.clock.advance(BATCH_MS * FLOOD_REST_TIMES - 1);
  expect(flood.batches).toEqual([FLOOD_RECEIPTS_MIN]);
  flood.arriving = false;
  await world.clock.advance(1);
  expect(flood.batches).toEqual([FLOOD_RECEIPTS_MIN, 1]);
  await world.clock.advance(BATCH_MS);
  await swept;
  expect(await world.receipts.pending(10)).toEqual([]);
});

test("the queue rests no longer than half a second, however slow the ledger is", async () => {
  const { world, queue, flood, arrive } = flooded(60_000);
  await arrive(FLOOD_RECEIPTS_MIN);
  void queue.sweep();
  await world.clock.advance(BATCH_MS + 60_000);
  await turns();
  expect(flood.batches).toHaveLength(1);
  await world.clock.advance(FLOOD_REST_MS_MAX);
  expect(flood.batches).toHaveLength(2);
  flood.arriving = false;
});
