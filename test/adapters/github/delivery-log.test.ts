import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubDeliveryLog } from "../../../shared/adapters/github/delivery-log.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { Receipts } from "../../../shared/ports/receipts.ts";
import {
  createRedeliverySweep,
  DELIVERY_ATTEMPTS_MAX,
  REDELIVERY_WINDOW_MS,
} from "../../../services/relay/redelivery-sweep.ts";
import { appOf, capturedLog, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";
import type { FakeDelivery } from "../../support/github/world.ts";

let world: GithubWorld;
beforeEach(async () => {
  world = await startGithubWorld();
});
afterEach(() => world.close());

const MINUTE_MS = 60_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
/** Such ids GitHub gives: no two of them that follow each other are different numbers. */
let ids = 3_804_004_623_172_239_366n;
function logged(guid: string, agoMs: number, change: Partial<FakeDelivery> = {}): void {
  ids += 1n;
  const delivered = { delivered_at: ago(agoMs), redelivery: false, event: "push", status_code: 502 };
  world.fake.deliveries.push({ id: ids, guid, ...delivered, ...change });
}

const receiptsOf = (...guids: readonly string[]): Pick<Receipts, "list"> => ({
  list: () =>
    Promise.resolve(guids.map((guid) => ({ guid, event: "push", bodyHash: "", receivedAt: ago(0) }))),
});
const log = capturedLog();
const sweepOf = (receipts: Pick<Receipts, "list">) =>
  createRedeliverySweep({
    deliveryLog: createGithubDeliveryLog(appOf(world.fake)),
    receipts,
    clock: systemClock,
    log,
  });
const sweep = (receipts: Pick<Receipts, "list">) => sweepOf(receipts)();
const asked = () => world.fake.deliveries.filter(({ redelivery }) => redelivery).map(({ guid }) => guid);

test("what has no receipt is asked for again, whatever GitHub thinks of it", async () => {
  logged("lost", 10 * MINUTE_MS, { status_code: 202 });
  logged("kept", 9 * MINUTE_MS, { status_code: 500 });
  expect(await sweep(receiptsOf("kept"))).toBe(1);
  expect(asked()).toEqual(["lost"]);
});

test("what may still be on its way, what is not acted on, and what is too old is left alone", async () => {
  logged("old", 4 * 24 * 60 * MINUTE_MS);
  logged("other", 10 * MINUTE_MS, { event: "star" });
  logged("young", 1_000);
  expect(await sweep(receiptsOf())).toBe(0);
  expect(asked()).toEqual([]);
});

test("a second sweep waits for the delivery that the first one asked for", async () => {
  logged("lost", 10 * MINUTE_MS);
  await sweep(receiptsOf());
  expect(await sweep(receiptsOf())).toBe(0);
  expect(asked()).toEqual(["lost"]);
});

test("an event that never arrives is given up, aloud", async () => {
  for (let attempt = 0; attempt < DELIVERY_ATTEMPTS_MAX; attempt += 1) logged("never", 10 * MINUTE_MS);
  expect(await sweep(receiptsOf())).toBe(0);
  expect(log.lines.join("\n")).toContain("after several attempts");
});

test("the log is read by its cursor to the end of the window", async () => {
  for (let index = 0; index < 250; index += 1) logged(`d${index}`, 10 * MINUTE_MS);
  const found = await createGithubDeliveryLog(appOf(world.fake)).since(new Date(Date.now() - 60 * MINUTE_MS));
  expect(new Set(found.map(({ guid }) => guid)).size).toBe(250);
  const pagesRead = world.fake.requests.filter(({ line }) => line === "GET /app/hook/deliveries");
  expect(pagesRead).toHaveLength(3);
});

test("an id of 64 bits is asked for to its last digit, beside one of an older log", async () => {
  logged("lost", 10 * MINUTE_MS);
  logged("later", 9 * MINUTE_MS);
  logged("small", 9 * MINUTE_MS, { id: 199_287_304_442n });
  const deliveryLog = createGithubDeliveryLog(appOf(world.fake));
  const found = await deliveryLog.since(new Date(Date.now() - 60 * MINUTE_MS));
  expect(found.map(({ guid, id }) => [guid, id])).toEqual(
    world.fake.deliveries.toReversed().map(({ guid, id }) => [guid, String(id)]),
  );
  await deliveryLog.redeliver(found.at(-1)?.id ?? "");
  expect(asked()).toEqual(["lost"]);
  expect(world.fake.requests.at(-1)?.line).toBe(
    `POST /app/hook/deliveries/${world.fake.deliveries[0]?.id}/attempts`,
  );
});

test("a limit ends the sweep with an error that can be tried again", async () => {
  logged("lost", 10 * MINUTE_MS);
  world.fake.fail(/attempts$/, "secondary-limit");
  await expect(sweep(receiptsOf())).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
});

/** Receipts of one a minute, newest first; counts what is read. */
function countedReceipts(guids: readonly string[]) {
  const kept = guids.map((guid, index) => ({
    guid,
    event: "push",
    bodyHash: "",
    receivedAt: ago(index * MINUTE_MS),
  }));
  const counted = {
    kept,
    read: 0,
    list: async (limit: number) => {
      const part = kept.slice(0, limit);
      counted.read += part.length;
      return part;
    },
  };
  return counted;
}
const many = Array.from({ length: 3_000 }, (_, index) => `r${index}`);

test("no more receipts are read than tell about what nobody knows of, and none when everything is known", async () => {
  const receipts = countedReceipts(many);
  const again = sweepOf(receipts);
  logged("r30", 30 * MINUTE_MS);
  expect(await again()).toBe(0);
  expect(receipts.read).toBe(100);
  expect(await again()).toBe(0);
  expect(receipts.read).toBe(100);
  logged("lost", 500 * MINUTE_MS);
  expect(await again()).toBe(1);
  expect(receipts.read).toBe(100 + 100 + 1_000);
  // What is still missing needs only what came since.
  expect(await again()).toBe(0);
  expect(receipts.read).toBe(100 + 100 + 1_000 + 100);
});

test("what came after it was missed is no longer asked for", async () => {
  const receipts = countedReceipts(many);
  const again = sweepOf(receipts);
  logged("late", 10 * MINUTE_MS);
  expect(await again()).toBe(1);
  receipts.kept.unshift({ guid: "late", event: "push", bodyHash: "", receivedAt: ago(0) });
  const { deliveries } = world.fake;
  for (const [index, each] of deliveries.entries())
    deliveries[index] = { ...each, delivered_at: ago(5 * MINUTE_MS) };
  expect(await again()).toBe(0);
});

test("beyond the receipts that are compared nothing is asked for again", async () => {
  const crowd = Array.from({ length: 10_000 }, (_, index) => `c${index}`);
  const receipts = countedReceipts(crowd);
  for (const receipt of receipts.kept) receipt.receivedAt = ago(MINUTE_MS);
  logged("before", REDELIVERY_WINDOW_MS / 2);
  expect(await sweep(receipts)).toBe(0);
  expect(asked()).toEqual([]);
});
