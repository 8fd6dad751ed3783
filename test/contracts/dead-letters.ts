// The law of the dead letters port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { DeadLetter, DeadLetters } from "../../shared/ports/dead-letters.ts";

const letter = (id: string, payload: unknown = { id }): DeadLetter => ({
  id,
  service: "registry",
  reason: "INVALID_FACT",
  message: "data.uri must be string.",
  payload,
  time: "2026-01-02T03:04:05.678Z",
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
      expect(await deadLetters.list(2)).toEqual({ letters: [letter("c"), letter("b")], total: 3 });
    });

    test("the first letter of an id stays", async () => {
      const { deadLetters } = await create();
      await deadLetters.put(letter("a", "first"));
      await deadLetters.put(letter("a", "second"));
      expect(await deadLetters.list(10)).toEqual({ letters: [letter("a", "first")], total: 1 });
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

    test("letters are there after the store is opened again", async () => {
      const { deadLetters, reopen } = await create();
      await deadLetters.put(letter("a"));
      expect((await (await reopen()).list(10)).total).toBe(1);
    });
  });
}
