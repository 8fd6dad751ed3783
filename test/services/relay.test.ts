// The relay: what is due is published, and only what was handled counts as fired.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { BACKOFF_FIRST_MS, RETRY_FOR_MS } from "../../shared/runtime/backoff.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { createWorld, type World } from "../support/world.ts";

const MINUTE_MS = 60_000;
const transient = new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" });

/** A service that notes the timers that reach it, as `stream name`. */
function timekeeper(handle: (name: string) => void = () => undefined) {
  const fired: string[] = [];
  const facts: AnyFact[] = [];
  const service: FactService = {
    name: "timekeeper",
    inputs: ["timer.due"],
    async handle(fact) {
      const { name } = fact.data as { name: string };
      facts.push(fact);
      handle(name);
      fired.push(`${fact.subject} ${name}`);
    },
  };
  return { service, fired, facts };
}

function worldOf(services: readonly FactService[], path = ":memory:"): World {
  const world = createWorld({ services: () => services, path });
  onTestFinished(() => world.close());
  return world;
}

/** Sets timers as a decision would: name → minutes from now. */
async function set(world: World, stream: string, timers: Readonly<Record<string, number>>): Promise<void> {
  const { version } = await world.ledger.read(stream);
  const from = world.clock.now().getTime();
  const due = Object.entries(timers).map(([name, minutes]) => ({
    name,
    time: new Date(from + minutes * MINUTE_MS).toISOString(),
  }));
  await world.ledger.append({ ...batchOf(stream, version, `c${version}`, [planStarted("b")]), due });
}

describe("the relay", () => {
  test("fires a timer at its time, once, as a fact about its stream", async () => {
    const { service, fired, facts } = timekeeper();
    const world = worldOf([service]);
    await set(world, "stacks/a", { deadline: 2 });
    await world.advance(2 * MINUTE_MS - 1);
    expect(fired).toEqual([]);
    await world.advance(1);
    await world.advance(MINUTE_MS);
    expect(fired).toEqual(["stacks/a deadline"]);
    expect(facts[0]).toMatchObject({
      type: "timer.due",
      subject: "stacks/a",
      actor: "services/relay",
      version: 0,
    });
    expect(facts[0]?.data).toEqual({ name: "deadline", due: "2026-01-02T03:06:05.000Z" });
    expect((await world.facts()).map(({ type }) => type)).not.toContain("timer.due");
  });

  test("fires overdue timers of a stream in the order of their times", async () => {
    const { service, fired } = timekeeper();
    const world = worldOf([service]);
    await set(world, "stacks/a", { third: 3, first: 1, second: 2 });
    await world.advance(60 * MINUTE_MS);
    expect(fired).toEqual(["stacks/a first", "stacks/a second", "stacks/a third"]);
  });

  test("fires a timer again that was not handled, with the same id, and other streams do not wait", async () => {
    let down = true;
    const { service, fired, facts } = timekeeper((name) => {
      if (down && name === "bad") throw transient;
    });
    const world = worldOf([service]);
    await set(world, "stacks/a", { bad: 1 });
    await set(world, "stacks/b", { good: 1 });
    await world.advance(MINUTE_MS);
    expect(fired).toEqual(["stacks/b good"]);
    down = false;
    await world.advance(BACKOFF_FIRST_MS - 1);
    expect(fired).toHaveLength(1);
    await world.advance(1);
    expect(fired).toEqual(["stacks/b good", "stacks/a bad"]);
    const tries = facts.filter(({ subject }) => subject === "stacks/a");
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
    expect(tries).toHaveLength(2);
  });

  test("fires a timer again after a crash between handling and marking", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-relay-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "ledger.db");
    const before = timekeeper();
    const first = worldOf([before.service], path);
    await set(first, "stacks/a", { deadline: 0 });
    const [timer] = await first.outbox.timersDue(first.clock.now().toISOString(), 1);
    await first.bus.publish({
      ...(await first.facts())[0]!,
      type: "timer.due",
      id: timer?.id ?? "",
      data: { name: "deadline", due: timer?.due ?? "" },
    });
    await first.close();
    expect(before.fired).toEqual(["stacks/a deadline"]);
    const after = timekeeper();
    const second = worldOf([after.service], path);
    await second.settle();
    expect(after.fired).toEqual(["stacks/a deadline"]);
    expect(after.facts[0]?.id).toBe(timer?.id);
  });

  test("a timer that nobody could handle for seven days becomes a dead letter", async () => {
    const { service } = timekeeper(() => {
      throw transient;
    });
    const world = worldOf([service]);
    await set(world, "stacks/a", { deadline: 1 });
    await world.advance(MINUTE_MS);
    await world.advance(RETRY_FOR_MS);
    expect((await world.deadLetters.list(1)).total).toBe(0);
    await world.advance(MINUTE_MS * 10);
    expect((await world.deadLetters.list(1)).letters[0]).toMatchObject({
      reason: "RETRIES_EXHAUSTED",
      payload: { type: "timer.due" },
    });
    expect(await world.outbox.timersDue("2999-01-01T00:00:00.000Z", 10)).toEqual([]);
  });

  test("publishes facts that a crash left in the outbox", async () => {
    const seen: string[] = [];
    const service: FactService = {
      name: "s",
      inputs: ["plan.started"],
      handle: async ({ subject }) => void seen.push(subject),
    };
    const world = worldOf([service]);
    await world.ledger.append(batchOf("stacks/a", 0, "c", [planStarted("b")]));
    await world.relay.reconcile();
    await world.pump.idle();
    expect(seen).toEqual(["stacks/a"]);
  });

  test("reconciling does not wait for a slow handler, nor fire its timer twice meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    let calls = 0;
    const service: FactService = {
      name: "slow",
      inputs: ["timer.due"],
      async handle() {
        calls += 1;
        await gate.promise;
      },
    };
    const world = worldOf([service]);
    await set(world, "stacks/a", { deadline: 0 });
    await world.relay.reconcile();
    await world.relay.reconcile();
    expect(calls).toBe(1);
    gate.resolve();
    await world.relay.idle();
    await world.settle();
    expect(calls).toBe(1);
  });
});
