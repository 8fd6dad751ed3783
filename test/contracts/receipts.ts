// The law of the receipts port, tried on every adapter.
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Receipt, Receipts } from "../../shared/ports/receipts.ts";

const TIME = "2026-01-02T03:04:05.678Z";

const receipt = (guid: string, content: string | Uint8Array = guid): Receipt => {
  const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return {
    guid,
    event: "push",
    bodyHash: `sha256:${Buffer.from(body).toString("hex").slice(0, 64)}`,
    body,
    receivedAt: TIME,
  };
};

/** Tries the whole law on one adapter; `create` answers empty receipts and a way to open them again. */
export function itBehavesLikeReceipts(
  name: string,
  create: () => Promise<{ readonly receipts: Receipts; readonly reopen: () => Promise<Receipts> }>,
): void {
  describe(`${name} are receipts`, () => {
    test("a receipt is stored once and offered, body and all, until it is settled", async () => {
      const { receipts } = await create();
      expect(await receipts.put(receipt("g1"))).toEqual({ kind: "stored" });
      expect(await receipts.put(receipt("g2"))).toEqual({ kind: "stored" });
      const [first, second] = await receipts.pending(10);
      expect({ ...first, body: new Uint8Array(first?.body ?? []) }).toEqual(receipt("g1"));
      expect(second?.guid).toBe("g2");
      expect((await receipts.pending(1)).map(({ guid }) => guid)).toEqual(["g1"]);
      await receipts.settle("g1", { outcome: "accepted", reason: "recorded", time: TIME });
      expect((await receipts.pending(10)).map(({ guid }) => guid)).toEqual(["g2"]);
    });

    test("the same guid is a duplicate that says whether it is settled", async () => {
      const { receipts } = await create();
      await receipts.put(receipt("g1"));
      expect(await receipts.put(receipt("g1"))).toEqual({ kind: "duplicate", guid: "g1", settled: false });
      await receipts.settle("g1", { outcome: "ignored", reason: "ping", time: TIME });
      expect(await receipts.put(receipt("g1"))).toEqual({ kind: "duplicate", guid: "g1", settled: true });
    });

    test("the same body under a new guid is a duplicate of the first guid", async () => {
      const { receipts } = await create();
      await receipts.put(receipt("g1", "same"));
      expect(await receipts.put(receipt("g2", "same"))).toEqual({
        kind: "duplicate",
        guid: "g1",
        settled: false,
      });
      expect(await receipts.list(10)).toHaveLength(1);
    });

    test("a guid that comes again with another body is a duplicate of itself", async () => {
      const { receipts } = await create();
      await receipts.put(receipt("g1", "one"));
      await receipts.put(receipt("g2", "two"));
      expect(await receipts.put(receipt("g1", "two"))).toEqual({
        kind: "duplicate",
        guid: "g1",
        settled: false,
      });
    });

    test("exactly one of eight racing puts of one delivery is stored", async () => {
      const { receipts } = await create();
      const answers = await Promise.all(Array.from({ length: 8 }, () => receipts.put(receipt("g1"))));
      expect(answers.filter(({ kind }) => kind === "stored")).toHaveLength(1);
      expect(await receipts.list(10)).toHaveLength(1);
    });

    test("the first outcome stays, and an unknown delivery cannot be settled", async () => {
      const { receipts } = await create();
      await receipts.put(receipt("g1"));
      await receipts.settle("g1", { outcome: "refused", reason: "malformed", time: TIME });
      await receipts.settle("g1", { outcome: "accepted", reason: "late", time: TIME });
      expect((await receipts.list(1))[0]?.outcome).toEqual({
        outcome: "refused",
        reason: "malformed",
        time: TIME,
      });
      const outcome = { outcome: "accepted", reason: "r", time: TIME } as const;
      await expect(receipts.settle("nobody", outcome)).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("the list is newest first and without bodies", async () => {
      const { receipts } = await create();
      for (const guid of ["g1", "g2", "g3"]) await receipts.put(receipt(guid));
      const list = await receipts.list(2);
      expect(list.map(({ guid }) => guid)).toEqual(["g3", "g2"]);
      for (const row of list)
        expect(Object.keys(row).toSorted()).toEqual(["bodyHash", "event", "guid", "receivedAt"]);
    });

    test("a body of a megabyte of any bytes survives a restart", async () => {
      const { receipts, reopen } = await create();
      const body = randomBytes(1024 * 1024);
      await receipts.put(receipt("g1", body));
      const [again] = await (await reopen()).pending(1);
      expect(Buffer.compare(again?.body ?? new Uint8Array(), body)).toBe(0);
    });
  });
}
