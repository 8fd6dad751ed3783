// The recorded counters of an endpoint, as replays and plans read them.
import { expect, onTestFinished, test } from "vitest";
import { createServingWorld, type ServingWorld } from "../support/serving-world.ts";
import { ENDPOINT, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

async function serving(): Promise<ServingWorld> {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  await world.configure();
  for (const id of [1, 2]) {
    await world.register(id);
    await world.until(
      `version ${id} is promoted`,
      async () => (await world.rollout(rolloutOf(id)))["state"] === "PROMOTED",
    );
  }
  return world;
}

test("anyone who may look reads counters by version, and the moves with what served when the range began", async () => {
  const world = await serving();
  const { status, body } = await world.call("vic", `${ENDPOINT}:readCounters`);
  expect(status).toBe(200);
  const samples = body["samples"] as readonly { version: string; requests: number }[];
  const moves = body["moves"] as readonly { time: string; weights: Record<string, number> }[];
  expect(new Set(samples.map(({ version }) => version))).toEqual(new Set([versionNamed(1), versionNamed(2)]));
  expect(samples.at(-1)?.requests).toBeGreaterThan(0);
  expect(moves[0]?.weights).toEqual({ [versionNamed(1)]: 100 });
  expect(moves.at(-1)?.weights).toEqual({ [versionNamed(2)]: 100 });

  const from = new Date(Date.parse(moves.at(-1)?.time ?? "") + 1).toISOString();
  await world.second();
  const later = await world.call("vic", `${ENDPOINT}:readCounters?from=${from}`);
  expect(later.body["moves"]).toEqual([{ time: from, weights: { [versionNamed(2)]: 100 } }]);
});

test("a range that is none, too long, or not in RFC 3339 is refused with what to write; strangers read nothing", async () => {
  const world = await serving();
  for (const range of [
    "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    "from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z",
    "from=yesterday",
    "to=2026-01-01",
  ]) {
    const { status, body } = await world.call("vic", `${ENDPOINT}:readCounters?${range}`);
    expect(status, range).toBe(400);
    expect(JSON.stringify(body)).toContain(range.startsWith("to") ? '"field":"to"' : '"field":"from"');
  }
  expect((await world.call("nobody", `${ENDPOINT}:readCounters`)).status).toBe(401);
});
