// Bus and pump together: at least once, in order per subject while all is well, one failure stops nobody else.
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { HANDLER_TIME_MAX_MS } from "../../shared/runtime/deliver.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { BACKOFF_FIRST_MS, BACKOFF_LAST_MS, backoffMs, RETRY_FOR_MS } from "../../shared/runtime/backoff.ts";
import { createPump, HOLDING_ATTEMPTS_MAX } from "../../shared/runtime/outbox.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { turns } from "../support/clock.ts";
import { createWorld, type World } from "../support/world.ts";

const DAY_MS = 24 * 3_600_000;
const transient = new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" });
const permanent = new ControlPlaneError("INVALID_ARGUMENT", "never", { reason: "HOPELESS" });

/** A service that notes what it handles; `handle` may fail or wait. */
function listener(name: string, handle: (build: string) => Promise<void> | void = () => undefined) {
  const seen: string[] = [];
  const service: FactService = {
    name,
    inputs: ["plan.started"],
    async handle(fact: AnyFact) {
      const { build } = fact.data as { build: string };
      await handle(build);
      seen.push(build);
    },
  };
  return { service, seen };
}

function worldOf(...services: readonly FactService[]): World {
  const world = createWorld({ services: () => services });
  onTestFinished(() => world.close());
  return world;
}

let cause = 0;
async function append(world: World, subject: string, ...builds: readonly string[]): Promise<void> {
  const { version } = await world.ledger.read(subject);
  cause += 1;
  const time = world.clock.now().toISOString();
  const batch = batchOf(subject, version, `c${cause}`, builds.map(planStarted));
  await world.ledger.append({ ...batch, time, facts: batch.facts.map((fact) => ({ ...fact, time })) });
}

describe("the pump", () => {
  test("gives every subscriber every fact of its types, in the order of the stream", async () => {
    const one = listener("one");
    const two = listener("two");
    const other: FactService = {
      name: "other",
      inputs: ["run.lost"],
      handle: () => Promise.reject(new Error("not mine")),
    };
    const world = worldOf(one.service, two.service, other);
    await append(world, "stacks/a", "1", "2", "3");
    await world.announce([]);
    await world.pump.idle();
    expect(one.seen).toEqual(["1", "2", "3"]);
    expect(two.seen).toEqual(["1", "2", "3"]);
    expect(await world.outbox.pending("2999-01-01T00:00:00.000Z", 10)).toEqual([]);
    expect(world.log.lines).toEqual([]);
  });

  test("announcing does not wait for handlers", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = listener("slow", () => gate.promise);
    const world = worldOf(slow.service);
    await append(world, "stacks/a", "1");
    await world.announce([]);
    expect(slow.seen).toEqual([]);
    gate.resolve();
    await world.pump.idle();
    expect(slow.seen).toEqual(["1"]);
  });

  test("a slow subject does not delay another that comes later", async () => {
    const gate = Promise.withResolvers<void>();
    const half = listener("half", (build) => (build === "slow" ? gate.promise : undefined));
    const world = worldOf(half.service);
    await append(world, "stacks/a", "slow", "after slow");
    await world.announce([]);
    await turns();
    await append(world, "stacks/b", "quick");
    await world.announce([]);
    await turns();
    expect(half.seen).toEqual(["quick"]);
    gate.resolve();
    await world.pump.idle();
    expect(half.seen).toEqual(["quick", "slow", "after slow"]);
  });

  test("a transient failure is tried again after a pause, before the later facts of its subject", async () => {
    let down = true;
    const flaky = listener("flaky", (build) => {
      if (down && build === "1") throw transient;
    });
    const world = worldOf(flaky.service);
    await append(world, "stacks/a", "1", "2");
    await append(world, "stacks/b", "3");
    await world.settle();
    expect(flaky.seen).toEqual(["3"]);
    down = false;
    await world.advance(BACKOFF_FIRST_MS - 1);
    expect(flaky.seen).toEqual(["3"]);
    await world.advance(1);
    expect(flaky.seen).toEqual(["3", "1", "2"]);
  });

  test("a fact that fails on and on lets the later facts of its subject pass", async () => {
    const broken = listener("broken", (build) => {
      if (build === "poison") throw new Error("a defect");
    });
    const world = worldOf(broken.service);
    await append(world, "stacks/a", "poison", "2");
    await world.settle();
    for (let attempt = 1; attempt < HOLDING_ATTEMPTS_MAX; attempt++) {
      expect(broken.seen).toEqual([]);
      await world.advance(backoffMs(attempt));
    }
    expect(broken.seen).toEqual(["2"]);
  });

  test("only the services that failed are given the fact again", async () => {
    let down = true;
    const good = listener("good");
    const bad = listener("bad", () => {
      if (down) throw transient;
    });
    const world = worldOf(good.service, bad.service);
    await append(world, "stacks/a", "1");
    await world.settle();
    down = false;
    await world.advance(BACKOFF_FIRST_MS);
    expect(good.seen).toEqual(["1"]);
    expect(bad.seen).toEqual(["1"]);
  });

  test("a permanent failure becomes one dead letter of that service, and the stream goes on", async () => {
    const good = listener("good");
    const hopeless = listener("hopeless", (build) => {
      if (build === "1") throw permanent;
    });
    const world = worldOf(good.service, hopeless.service);
    await append(world, "stacks/a", "1", "2");
    await world.settle();
    expect(good.seen).toEqual(["1", "2"]);
    expect(hopeless.seen).toEqual(["2"]);
    const { letters, total } = await world.deadLetters.list(10);
    expect(total).toBe(1);
    expect(letters[0]).toMatchObject({
      service: "hopeless",
      reason: "HOPELESS",
      payload: { data: { build: "1" } },
    });
  });

  test("a transient failure is kept as a dead letter after seven days, and not before", async () => {
    const down = listener("down", () => {
      throw transient;
    });
    const world = worldOf(down.service);
    await append(world, "stacks/a", "1");
    await world.settle();
    await world.advance(RETRY_FOR_MS - DAY_MS);
    expect((await world.deadLetters.list(1)).total).toBe(0);
    expect(await world.outbox.pending("2999-01-01T00:00:00.000Z", 10)).toHaveLength(1);
    await world.advance(DAY_MS);
    await world.advance(BACKOFF_LAST_MS);
    expect((await world.deadLetters.list(1)).letters[0]).toMatchObject({
      service: "down",
      reason: "RETRIES_EXHAUSTED",
    });
    expect(await world.outbox.pending("2999-01-01T00:00:00.000Z", 10)).toEqual([]);
  });

  test("a handler that never answers is given up after its time and tried again", async () => {
    let hang = true;
    const stuck = listener("stuck", () => (hang ? new Promise(() => undefined) : undefined));
    const world = worldOf(stuck.service);
    await append(world, "stacks/a", "1");
    await world.announce([]);
    await turns();
    hang = false;
    await world.clock.advance(HANDLER_TIME_MAX_MS);
    await world.advance(BACKOFF_FIRST_MS);
    expect(stuck.seen).toEqual(["1"]);
    expect(world.log.lines[0]?.fields["error"]).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("closing waits for what is on its way and starts nothing more", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = listener("slow", () => gate.promise);
    const world = worldOf(slow.service);
    await append(world, "stacks/a", "1", "2");
    await world.announce([]);
    await turns();
    let closed = false;
    const closing = world.pump.close().then(() => (closed = true));
    await turns();
    expect(closed).toBe(false);
    gate.resolve();
    await closing;
    expect(slow.seen).toEqual(["1"]);
    await world.announce([]);
    await turns();
    expect(slow.seen).toEqual(["1"]);
  });

  test("looks once when all that was announced went out in one look", async () => {
    const all = listener("all");
    const world = worldOf(all.service);
    let looks = 0;
    const pump = createPump({
      ...world,
      outbox: {
        ...world.outbox,
        pending: (now, limit) => {
          looks += 1;
          return world.outbox.pending(now, limit);
        },
      },
    });
    await append(world, "stacks/a", "1", "2");
    await append(world, "stacks/b", "3");
    await pump.announce([]);
    await pump.idle();
    expect(all.seen.toSorted()).toEqual(["1", "2", "3"]);
    expect(looks).toBe(1);
  });

  test("what was announced while its subject was busy goes out when the lane ends, without a sweep", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = listener("slow", (build) => (build === "1" ? gate.promise : undefined));
    const world = worldOf(slow.service);
    await append(world, "stacks/a", "1");
    await world.announce([]);
    await turns();
    await append(world, "stacks/a", "2");
    await world.announce([]);
    await turns();
    expect(slow.seen).toEqual([]);
    gate.resolve();
    await world.pump.idle();
    expect(slow.seen).toEqual(["1", "2"]);
  });

  test("five hundred subjects and more are all published", async () => {
    const all = listener("all");
    const world = worldOf(all.service);
    await Promise.all(
      Array.from({ length: 700 }, (_, index) => append(world, `stacks/s${index}`, `${index}`)),
    );
    await world.announce([]);
    await world.pump.idle();
    expect(all.seen).toHaveLength(700);
  });
});

test("pauses double from one second to five minutes", () => {
  expect([1, 2, 3, 9, 10, 1_000].map(backoffMs)).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});
