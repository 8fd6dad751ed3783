// Probes: anyone may ask, nothing but the event loop decides, and a loop that is stuck is told.
import { expect, onTestFinished, test } from "vitest";
import { LOOP_LATE_MAX_MS, loopLateness, probeRoutes } from "../../shared/runtime/probes.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createWorld } from "../support/world.ts";

async function door(lateness?: () => Promise<number>) {
  const world = createWorld({});
  const app = createServer(world);
  await app.register(probeRoutes(lateness));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  return async (url: string) => {
    const { statusCode, body } = await app.inject({ url, headers: { host: "localhost" } });
    return [statusCode, JSON.parse(body)] as const;
  };
}

test("a process that turns is alive, to whoever asks", async () => {
  const ask = await door();
  for (const path of ["/startupz", "/livez", "/healthz"])
    expect(await ask(path)).toEqual([200, { status: "ok" }]);
});

test("a process that is stuck is not alive, and has started all the same", async () => {
  const ask = await door(async () => LOOP_LATE_MAX_MS + 1);
  expect(await ask("/livez")).toEqual([503, { status: "stuck" }]);
  expect(await ask("/healthz")).toEqual([503, { status: "stuck" }]);
  expect(await ask("/startupz")).toEqual([200, { status: "ok" }]);
});

test("lateness is the time that something keeps the loop from turning", async () => {
  const busyMs = 60;
  const late = loopLateness();
  const until = performance.now() + busyMs;
  while (performance.now() < until) continue;
  expect(await late).toBeGreaterThanOrEqual(busyMs - 1);
});
