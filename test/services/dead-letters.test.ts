// Dead letters through the doors: the API asks, the relay gives the message to the one service that gave up.
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { purge, replay } from "../../services/api/dead-letters/decisions.ts";
import { BACKOFF_FIRST_MS, RETRY_FOR_MS } from "../../shared/runtime/backoff.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { batchOf, factFrom, planStarted } from "../support/facts.ts";
import { createWorld, type World } from "../support/world.ts";

type Mood = "well" | "hopeless" | "down";

/** A service of this name whose mood the test sets; `seen` counts what it was given. */
function listener(name: string, first: Mood) {
  const it = { mood: first, seen: 0, handled: 0 };
  const service: FactService = {
    name,
    inputs: ["plan.started", "timer.due"],
    async handle() {
      it.seen += 1;
      if (it.mood === "down") throw new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" });
      if (it.mood === "hopeless")
        throw new ControlPlaneError("INVALID_ARGUMENT", "never", { reason: "HOPELESS" });
      it.handled += 1;
    },
  };
  return Object.assign(it, { service });
}

function worldOf(...services: readonly FactService[]): World {
  const world = createWorld({ services: () => services });
  onTestFinished(() => world.close());
  return world;
}

async function append(world: World, build: string): Promise<void> {
  const { version } = await world.ledger.read("stacks/a");
  await world.ledger.append(batchOf("stacks/a", version, build, [planStarted(build)]));
  await world.announce([]);
  await world.settle();
}

const only = async (world: World) => (await world.deadLetters.list(1)).letters[0];
const resourceId = (id: string): string => id.replace("/", "-");
const asked = { reason: "mended", actor: "grace" };

const toldOf = async (world: World) =>
  (await world.facts())
    .filter(({ type }) => type.startsWith("dead-letter."))
    .map(({ type, actor, data }) => `${type} ${actor} ${(data as { failures: number }).failures}`);

/** A world in which `picky` gave up on one fact that `good` has handled. */
async function withLetter() {
  const [good, picky] = [listener("good", "well"), listener("picky", "hopeless")];
  const world = worldOf(good.service, picky.service);
  await append(world, "b");
  const letter = await only(world);
  return { world, good, picky, letter: resourceId(letter?.id ?? "") };
}

describe("replaying a dead letter", () => {
  test("gives it to the service that gave up and to no other, and it leaves the list", async () => {
    const { world, good, picky, letter } = await withLetter();
    picky.mood = "well";
    expect(await replay(world, { letter, ...asked })).toMatchObject({ state: "replaying", failures: 1 });
    await world.settle();
    expect([good.handled, picky.handled]).toEqual([1, 1]);
    expect(await world.deadLetters.list(1)).toEqual({ letters: [], total: 0 });
    expect(await toldOf(world)).toEqual([
      "dead-letter.replay-requested grace 1",
      "dead-letter.replayed services/relay 1",
    ]);
  });

  test("twice is one replay", async () => {
    const { world, picky, letter } = await withLetter();
    picky.mood = "well";
    await replay(world, { letter, ...asked });
    await replay(world, { letter, reason: "me too", actor: "ada" });
    await world.settle();
    expect(picky.handled).toBe(1);
    expect(await toldOf(world)).toHaveLength(2);
  });

  test("a second failure puts it back with its count, and it can be replayed again", async () => {
    const { world, picky, letter } = await withLetter();
    await replay(world, { letter, ...asked });
    await world.settle();
    expect(await only(world)).toMatchObject({ state: "waiting", failures: 2, reason: "HOPELESS" });
    expect((await toldOf(world)).at(-1)).toBe("dead-letter.returned services/relay 2");
    picky.mood = "well";
    await replay(world, { letter, ...asked });
    await world.settle();
    expect((await world.deadLetters.list(1)).total).toBe(0);
    expect((await toldOf(world)).at(-1)).toBe("dead-letter.replayed services/relay 2");
  });

  test("waits for a service that is away, and live traffic passes meanwhile", async () => {
    const { world, good, picky, letter } = await withLetter();
    picky.mood = "down";
    await replay(world, { letter, ...asked });
    await world.settle();
    expect(await only(world)).toMatchObject({ state: "replaying", failures: 1 });
    picky.mood = "well";
    await append(world, "c");
    expect([good.handled, picky.handled]).toEqual([2, 1]);
    await world.advance(BACKOFF_FIRST_MS);
    expect(picky.handled).toBe(2);
    expect((await world.deadLetters.list(1)).total).toBe(0);
  });

  test("a service that stays away for seven days gets it no more: it waits for a person again", async () => {
    const { world, picky, letter } = await withLetter();
    picky.mood = "down";
    await replay(world, { letter, ...asked });
    await world.advance(RETRY_FOR_MS + 3_600_000);
    expect(await only(world)).toMatchObject({ state: "waiting", failures: 2, reason: "HANDLERS_FAILED" });
  });

  test("a message of a service that is no more comes back and says so", async () => {
    const world = worldOf();
    const payload = factFrom(planStarted("b"));
    const put = { id: "gone/1", service: "gone", reason: "R", message: "m", payload, time: payload.time };
    await world.deadLetters.put(put);
    await replay(world, { letter: "gone-1", ...asked });
    await world.settle();
    expect(await only(world)).toMatchObject({
      state: "waiting",
      failures: 2,
      reason: "SUBSCRIPTION_NOT_FOUND",
    });
  });

  test("a push that this program can read by now is read and handled", async () => {
    const one = listener("one", "well");
    const world = worldOf(one.service);
    const payload = pushBody(factFrom(planStarted("b")), "local/one");
    const time = world.clock.now().toISOString();
    await world.deadLetters.put({
      id: "one/push-1",
      service: "one",
      reason: "R",
      message: "m",
      payload,
      time,
    });
    await replay(world, { letter: "one-push-1", ...asked });
    await world.settle();
    expect(one.handled).toBe(1);
  });

  test("what is no fact is refused with the remedy, and stays", async () => {
    const world = worldOf();
    const time = world.clock.now().toISOString();
    await world.deadLetters.put({
      id: "one/x",
      service: "one",
      reason: "R",
      message: "m",
      payload: "{",
      time,
    });
    await expect(replay(world, { letter: "one-x", ...asked })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "LETTER_UNREADABLE",
    });
    expect(await only(world)).toMatchObject({ state: "waiting", failures: 1 });
  });
});

describe("what was retried for seven days", () => {
  test("becomes one letter for each service that failed, and a timer is replayed like a fact", async () => {
    const [good, bad, worse] = [listener("good", "well"), listener("bad", "down"), listener("worse", "down")];
    const world = worldOf(good.service, bad.service, worse.service);
    const due = [{ name: "deadline", time: world.clock.now().toISOString() }];
    await world.ledger.append({ ...batchOf("stacks/a", 0, "c", [planStarted("b")]), due });
    await world.advance(RETRY_FOR_MS + 3_600_000);
    const { letters } = await world.deadLetters.list(10);
    expect(letters.map(({ service }) => service).toSorted()).toEqual(["bad", "bad", "worse", "worse"]);
    bad.mood = "well";
    const before = good.handled;
    for (const { id, service } of letters)
      if (service === "bad") await replay(world, { letter: resourceId(id), ...asked });
    await world.settle();
    expect([good.handled - before, bad.handled]).toEqual([0, 2]);
    expect((await world.deadLetters.list(10)).total).toBe(2);
  });
});

describe("purging a dead letter", () => {
  test("removes it and keeps who did it and why", async () => {
    const { world, picky, letter } = await withLetter();
    await purge(world, { letter, reason: "registered again", actor: "grace" });
    expect((await world.deadLetters.list(1)).total).toBe(0);
    const [told] = (await world.facts()).filter(({ type }) => type === "dead-letter.purged");
    expect(told).toMatchObject({ actor: "grace", data: { service: "picky", reason: "registered again" } });
    await expect(replay(world, { letter, ...asked })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(picky.seen).toBe(1);
  });

  test("is refused while it is being replayed", async () => {
    const { world, letter } = await withLetter();
    await replay(world, { letter, ...asked });
    await expect(purge(world, { letter, reason: "no", actor: "grace" })).rejects.toMatchObject({
      reason: "LETTER_REPLAYING",
    });
  });
});
