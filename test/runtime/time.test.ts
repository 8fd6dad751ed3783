// Deadlines, loops and clocks.
import { describe, expect, test } from "vitest";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createVirtualClock, turns } from "../support/clock.ts";
import { createLogBook } from "../support/world.ts";

describe("a deadline", () => {
  test("lets work answer or fail in time and leaves no timer behind", async () => {
    const clock = createVirtualClock();
    expect(await withDeadline(clock, 100, "work", async () => "done")).toBe("done");
    await expect(withDeadline(clock, 100, "work", () => Promise.reject(new Error("mine")))).rejects.toThrow(
      "mine",
    );
    await expect(
      withDeadline(clock, 100, "work", () => {
        throw new Error("at once");
      }),
    ).rejects.toThrow("at once");
    expect(clock.sleeping()).toBe(0);
  });

  test("says what took too long and tells the work to stop", async () => {
    const clock = createVirtualClock();
    let signal: AbortSignal | undefined;
    const late = withDeadline(clock, 100, "the look at stacks/a", (given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    const rejected = expect(late).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: /the look at stacks\/a.*100 ms/,
    });
    await clock.advance(99);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await rejected;
    expect(signal?.aborted).toBe(true);
  });
});

describe("a loop", () => {
  test("runs at once, pauses after each end, survives failures, and stops after the run under way", async () => {
    const clock = createVirtualClock();
    const log = createLogBook();
    let runs = 0;
    let gate: Promise<void> | undefined;
    const loop = repeat({ clock, log }, "looking", 1_000, async () => {
      runs += 1;
      if (runs === 2) throw new Error("once");
      await gate;
    });
    await turns();
    expect(runs).toBe(1);
    await clock.advance(2_000);
    expect(runs).toBe(3);
    expect(log.lines.map(({ level }) => level)).toEqual(["error"]);
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    await clock.advance(1_000);
    let stopped = false;
    const stopping = loop.stop().then(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    held.resolve();
    await stopping;
    await clock.advance(10_000);
    expect(runs).toBe(4);
  });
});

describe("clocks", () => {
  test("the virtual clock wakes sleepers in the order of their times and shows each its time", async () => {
    const clock = createVirtualClock("2026-01-01T00:00:00.000Z");
    const woken: string[] = [];
    const sleep = async (ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push(clock.now().toISOString().slice(17));
      if (ms === 10) await sleep(15);
    };
    const all = Promise.all([sleep(30), sleep(10), sleep(20)]);
    await clock.advance(30);
    await all;
    expect(woken).toEqual(["00.010Z", "00.020Z", "00.025Z", "00.030Z"]);
  });

  test("both clocks end a sleep at its signal, also one that has been given", async () => {
    for (const clock of [systemClock, createVirtualClock()]) {
      const control = new AbortController();
      const asleep = clock.sleep(3_600_000, control.signal);
      control.abort();
      await asleep;
      await clock.sleep(3_600_000, control.signal);
    }
    expect(createVirtualClock().sleeping()).toBe(0);
  });

  test("the system's clock tells the time and sleeps as long as it is told", async () => {
    const before = Date.now();
    await systemClock.sleep(20);
    expect(Date.now() - before).toBeGreaterThanOrEqual(19);
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1_000);
  });
});
