// Whose turn it is: queued rollouts keep their order, and one that replaces takes the place of all before it.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joined, left, released, type RolloutQueue } from "../../shared/domain/endpoint-queue.ts";

const EMPTY: RolloutQueue = { running: null, waiting: [] };
const replaces = { held: false, replaces: true };
const queues = { held: false, replaces: false };

describe("a rollout that replaces", () => {
  test("runs at once where nothing runs", () => {
    expect(joined(EMPTY, "a", replaces)).toEqual({ queue: { running: "a", waiting: [] }, dropped: [] });
  });

  test("asks the running one to make room, and runs when that has ended", () => {
    const change = joined({ running: "a", waiting: [] }, "b", replaces);
    expect(change).toEqual({ queue: { running: "a", waiting: ["b"], replacing: "b" }, dropped: [] });
    expect(left(change!.queue, "a", false)).toEqual({ running: "b", waiting: [] });
  });

  test("drops what waits, and an earlier one that replaces", () => {
    const waiting: RolloutQueue = { running: "a", waiting: ["b", "c"], replacing: "b" };
    expect(joined(waiting, "d", replaces)).toEqual({
      queue: { running: "a", waiting: ["d"], replacing: "d" },
      dropped: ["b", "c"],
    });
  });

  test("waits while the endpoint is held, and drops what waited there", () => {
    const held: RolloutQueue = { running: null, waiting: ["a"] };
    const change = joined(held, "b", { held: true, replaces: true });
    expect(change).toEqual({ queue: { running: null, waiting: ["b"] }, dropped: ["a"] });
    expect(released(change!.queue)).toEqual({ running: "b", waiting: [] });
  });

  test("that ends before its turn leaves the running one alone", () => {
    expect(left({ running: "a", waiting: ["b"], replacing: "b" }, "b", false)).toEqual({
      running: "a",
      waiting: [],
    });
  });

  test("is not forgotten because another queues behind it", () => {
    expect(joined({ running: "a", waiting: ["b"], replacing: "b" }, "c", queues)).toEqual({
      queue: { running: "a", waiting: ["b", "c"], replacing: "b" },
      dropped: [],
    });
  });
});

type Step = { readonly kind: "join" | "leave" | "release"; readonly id: number; readonly replaces: boolean };

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step["kind"]>("join", "join", "leave", "release"),
    id: fc.integer({ min: 0, max: 9 }),
    replaces: fc.boolean(),
  }),
  { maxLength: 60 },
);

test("whatever joins and leaves: nobody is there twice, who is replaced waits no more, and who replaces is next", () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (all, held) => {
      let queue = EMPTY;
      for (const { kind, id, replaces } of all) {
        const name = `r${id}`;
        const before = queue;
        if (kind === "join") {
          const change = joined(queue, name, { held, replaces });
          queue = change?.queue ?? queue;
          for (const dropped of change?.dropped ?? []) expect(queue.waiting).not.toContain(dropped);
          if (change !== undefined && replaces && before.running !== null) {
            expect(queue.running).toBe(before.running);
            expect(queue.replacing).toBe(name);
          }
        } else if (kind === "leave") queue = left(queue, name, held) ?? queue;
        else queue = released(queue) ?? queue;
        const everyone = [queue.running, ...queue.waiting].filter((one) => one !== null);
        expect(new Set(everyone).size).toBe(everyone.length);
        if (queue.replacing !== undefined) {
          expect(queue.running).not.toBeNull();
          expect(queue.waiting[0]).toBe(queue.replacing);
        }
        // Nothing runs only while nobody waits or the endpoint is held.
        if (queue.running === null && !held) expect(queue.waiting).toEqual([]);
      }
    }),
  );
});
