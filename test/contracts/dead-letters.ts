// The law of the dead letters port, tried on every adapter.
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { PUSH_BYTES_MAX } from "../../shared/runtime/on-facts.ts";
import type { DeadLetter, DeadLetters, FailedMessage } from "../../shared/ports/dead-letters.ts";

const TIME = "2026-01-02T03:04:05.678Z";
const LATER = "2026-01-02T04:00:00.000Z";

const letter = (id: string, payload: unknown = { id }): FailedMessage => ({
  id,
  service: "registry",
  reason: "INVALID_FACT",
  message: "data.uri must be string.",
  payload,
  time: TIME,
});

/** The letter as the list has it after its first failure. */
const kept = (id: string, payload?: unknown): DeadLetter => ({
  ...letter(id, payload),
  createTime: TIME,
  failures: 1,
  state: "waiting",
  since: TIME,
});

/** Tries the whole law on one adapter; `create` answers an empty list and a way to open it again. */
export function itBehavesLikeDeadLetters(
  name: string,
  create: () => Promise<{ readonly deadLetters: DeadLetters; readonly reopen: () => Promise<DeadLetters> }>,
): void {
  describe(`${name} are dead letters`, () => {
    test("an empty list counts nothing", async () => {
      const { deadLetters } = await create();
      expect(await deadLetters.list(10)).toEqual({ letters: [], total: 0 });
    });

    test("letters come back whole, newest first, and the total counts them all", async () => {
      const { deadLetters } = await create();
      for (const id of ["a", "b", "c"]) await deadLetters.put(letter(id));
      expect(await deadLetters.list(2)).toEqual({ letters: [kept("c"), kept("b")], total: 3 });
      expect(await deadLetters.get("b")).toEqual(kept("b"));
      expect(await deadLetters.get("z")).toBeUndefined();
    });

    test("the first letter of an id stays", async () => {
      const { deadLetters } = await create();
      await deadLetters.put(letter("a", "first"));
      await deadLetters.put(letter("a", "second"));
      expect(await deadLetters.list(10)).toEqual({ letters: [kept("a", "first")], total: 1 });
    });

    test("whatever arrived is kept: text, nothing, nested and awkward keys", async () => {
      const { deadLetters } = await create();
      const payloads = ["not JSON {", null, [1, [2]], JSON.parse('{"__proto__":1,"🚂":"\\u0000"}')] as const;
      for (const [index, payload] of payloads.entries()) await deadLetters.put(letter(`p${index}`, payload));
      const { letters } = await deadLetters.list(10);
      expect(letters.toReversed().map(({ payload }) => JSON.stringify(payload))).toEqual(
        payloads.map((p) => JSON.stringify(p)),
      );
    });

    test("the largest push that a door takes is kept whole, replayed, and gone without a trace", async () => {
      const { deadLetters } = await create();
      // Random bytes in base64: it cannot be packed to fit.
      const data = randomBytes((PUSH_BYTES_MAX - 16_384) * 0.75).toString("base64");
      const payload = JSON.stringify({ message: { data, messageId: "1" }, deliveryAttempt: 1 });
      expect(payload.length).toBeGreaterThan(1_300_000);
      await deadLetters.put(letter("large", payload));
      await deadLetters.put(letter("large", payload));
      await deadLetters.put(letter("other"));
      expect((await deadLetters.list(10)).letters).toEqual([kept("other"), kept("large", payload)]);
      await deadLetters.change("large", 1, "replaying", LATER);
      await deadLetters.put(letter("large", "of the replay"));
      expect(await deadLetters.get("large")).toMatchObject({ payload, failures: 2 });
      expect(await deadLetters.change("large", 2, "gone", LATER)).toBe(true);
      await deadLetters.put(letter("large", payload));
      expect(await deadLetters.get("large")).toEqual(kept("large", payload));
    });

    test("a page goes on after a letter, and the letters of one state can be listed alone", async () => {
      const { deadLetters } = await create();
      for (const id of ["a", "b", "c"]) await deadLetters.put(letter(id));
      expect((await deadLetters.list(10, { after: "c" })).letters.map(({ id }) => id)).toEqual(["b", "a"]);
      expect(await deadLetters.change("b", 1, "replaying", LATER)).toBe(true);
      expect(await deadLetters.list(10, { state: "replaying" })).toEqual({
        letters: [{ ...kept("b"), state: "replaying", since: LATER }],
        total: 3,
      });
      expect((await deadLetters.list(10, { state: "waiting" })).letters.map(({ id }) => id)).toEqual([
        "c",
        "a",
      ]);
    });

    test("a letter that fails while it is replayed counts its failure and waits again", async () => {
      const { deadLetters } = await create();
      await deadLetters.put(letter("a"));
      await deadLetters.change("a", 1, "replaying", LATER);
      await deadLetters.put({ ...letter("a", "other"), reason: "AGAIN", message: "still", time: LATER });
      const again = {
        ...kept("a"),
        reason: "AGAIN",
        message: "still",
        time: LATER,
        failures: 2,
        since: LATER,
      };
      expect(await deadLetters.get("a")).toEqual(again);
      await deadLetters.put({ ...letter("a"), reason: "DOUBLED" });
      expect(await deadLetters.get("a")).toEqual(again);
    });

    test("a change that knows an older failure changes nothing, and a gone letter stays gone", async () => {
      const { deadLetters } = await create();
      await deadLetters.put(letter("a"));
      await deadLetters.change("a", 1, "replaying", TIME);
      await deadLetters.put(letter("a"));
      expect(await deadLetters.change("a", 1, "gone", LATER)).toBe(false);
      expect(await deadLetters.change("a", 2, "gone", LATER)).toBe(true);
      expect(await deadLetters.change("a", 2, "gone", LATER)).toBe(false);
      expect(await deadLetters.list(10)).toEqual({ letters: [], total: 0 });
    });

    test("asking for a replay twice is one replay, since its first moment", async () => {
      const { deadLetters } = await create();
      await deadLetters.put(letter("a"));
      await deadLetters.change("a", 1, "replaying", TIME);
      expect(await deadLetters.change("a", 1, "replaying", LATER)).toBe(true);
      expect(await deadLetters.get("a")).toEqual({ ...kept("a"), state: "replaying", since: TIME });
    });

    test("letters are there after the store is opened again", async () => {
      const { deadLetters, reopen } = await create();
      await deadLetters.put(letter("a"));
      expect((await (await reopen()).list(10)).total).toBe(1);
    });
  });
}
