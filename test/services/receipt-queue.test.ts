// The queue behind the door: at once when it is quiet, in the second place while a flood lasts.
import { expect, onTestFinished, test } from "vitest";
import {
  createReceiptQueue,
  FRESH_BYTES_MAX,
  RECEIPTS_PER_SWEEP_MAX,
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

test("what was stored a moment ago is handled without being read again, and a flood of it is handled to the last", async () => {
  const { world, queue, flood } = flooded();
  flood.arriving = false;
  const receiptOf = (number: number) => ({
    guid: `g${number}`,
    event: "star",
    bodyHash: `h${number}`,
    body: new Uint8Array(),
    receivedAt: world.clock.now().toISOString(),
  });
  const receive = async (number: number): Promise<void> => {
    const receipt = receiptOf(number);
    await world.receipts.put(receipt);
    void queue.take(receipt);
  };
  await receive(1);
  await turns();
  expect([await world.receipts.pending(10), flood.batches]).toEqual([[], []]);
  for (let number = 2; number <= RECEIPTS_PER_SWEEP_MAX * 3; number += 1) await receive(number);
  for (let rests = 0; rests < 10; rests += 1) await world.clock.advance(FLOOD_REST_MS_MAX);
  await turns();
  expect(await world.receipts.pending(10)).toEqual([]);
});

test("bodies that are too large to wait in memory are read again when their turn comes", async () => {
  const { world, queue, flood } = flooded();
  flood.arriving = false;
  const taken: Promise<void>[] = [];
  for (const number of [1, 2, 3]) {
    const receipt = {
      guid: `large${number}`,
      event: "star",
      bodyHash: `h${number}`,
      body: new Uint8Array(FRESH_BYTES_MAX / 2 + 1),
      receivedAt: world.clock.now().toISOString(),
    };
    await world.receipts.put(receipt);
    taken.push(queue.take(receipt));
  }
  for (let each = 0; each < 5; each += 1) await world.clock.advance(BATCH_MS);
  await Promise.all(taken);
  expect(await world.receipts.pending(10)).toEqual([]);
});
