// What may be done about a dead letter, and what is recorded of it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  deadLetter,
  deadLetterId,
  type DeadLetterInput,
  deadLetterName,
} from "../../shared/domain/dead-letter.ts";
import { factFrom } from "../support/facts.ts";

const at = (failures: number) => ({ service: "registry", failures });
const replay = (failures: number): DeadLetterInput => ({ ...at(failures), kind: "replay", reason: "mended" });

/** Types of the facts that these inputs lead to, one after the other; undefined for an ignored one. */
function told(...inputs: readonly DeadLetterInput[]): readonly (string | undefined)[] {
  let state = deadLetter.initial;
  return inputs.map((input) => {
    const decision = deadLetter.decide(state, input);
    if (decision.kind === "ignored") return undefined;
    for (const draft of decision.facts) state = deadLetter.evolve(state, factFrom(draft));
    return decision.facts.map(({ type }) => type).join(" ");
  });
}

describe("a dead letter", () => {
  test("is replayed once for each failure, however often it is asked for", () => {
    expect(told(replay(1), replay(1))).toEqual(["dead-letter.replay-requested", undefined]);
  });

  test("that is handled ends its replay, and may become a letter again", () => {
    expect(told(replay(1), { ...at(1), kind: "replayed" }, replay(1))).toEqual([
      "dead-letter.replay-requested",
      "dead-letter.replayed",
      "dead-letter.replay-requested",
    ]);
  });

  test("that fails again goes back with its count, and may be replayed again", () => {
    const returned = { ...at(2), kind: "returned", reason: "HOPELESS", message: "still" } as const;
    expect(told(replay(1), returned, replay(2))).toEqual([
      "dead-letter.replay-requested",
      "dead-letter.returned",
      "dead-letter.replay-requested",
    ]);
  });

  test("keeps who gave it up and why", () => {
    const decision = deadLetter.decide(deadLetter.initial, { ...at(1), kind: "purge", reason: "not needed" });
    expect(decision).toMatchObject({
      facts: [{ type: "dead-letter.purged", data: { ...at(1), reason: "not needed" } }],
    });
  });

  test("has no outcome that nobody asked for", () => {
    expect(told({ ...at(1), kind: "replayed" })).toEqual([undefined]);
    expect(told({ ...at(2), kind: "returned", reason: "R", message: "m" })).toEqual([undefined]);
  });

  test("keeps only the beginning of an endless message", () => {
    const state = { replaying: 1 };
    const decision = deadLetter.decide(state, {
      ...at(2),
      kind: "returned",
      reason: "R",
      message: "m".repeat(100_000),
    });
    expect(JSON.stringify(decision).length).toBeLessThan(2_000);
  });
});

test("the resource name of a letter leads back to its id", () => {
  const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
  const ids = fc.oneof(
    hex.map((digits) => `registry/${digits}`),
    hex.map((digits) => `provisioner/push-${digits}`),
  );
  fc.assert(
    fc.property(ids, (id) => {
      expect(deadLetterId(deadLetterName(id).slice("deadLetters/".length))).toBe(id);
    }),
  );
});
