import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { EMPTY_TRAFFIC, versionWeights } from "../../shared/domain/traffic.ts";
import { setHold } from "../../shared/domain/traffic-standing.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import {
  dropGoodVersion,
  holdEndpoint,
  markVersionCold,
  markVersionGood,
  markVersionWarm,
  moveTraffic,
  PATCH_ATTEMPTS_MAX,
  readTraffic,
  resumeEndpoint,
  type MoveOrder,
} from "../../shared/runtime/traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2] = [version(1), version(2)];
const clock = { ...systemClock, sleep: () => Promise.resolve() };

let directory: string;
let traffic: Traffic;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "signalbox-move-"));
  traffic = await createTraffic({ directory });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const order = (more: Partial<MoveOrder> = {}): MoveOrder => ({
  endpoint,
  expectedEpoch: 0,
  kind: "first",
  to: { [v1]: 100 },
  cause: "rollout-1/first",
  actor: "services/rollout",
  reason: "first version",
  ...more,
});

const advance = (share: number, expectedEpoch: number, cause = `advance-${share}`) =>
  order({ kind: "advance", to: { [v1]: 100 - share, [v2]: share }, expectedEpoch, cause });

/** The port with one operation replaced. */
const but = (changed: Partial<Traffic>): { traffic: Traffic; clock: typeof clock } => ({
  traffic: { ...traffic, ...changed },
  clock,
});

describe("moving traffic", () => {
  it("moves from the epoch that the decision was made on", async () => {
    const { document, move } = await moveTraffic({ traffic, clock }, order());
    expect(move).toMatchObject({ epoch: 1, kind: "first", to: { [v1]: 100 } });
    expect(await traffic.read(endpoint)).toEqual(document);
  });

  it("is harmless when the same order comes again", async () => {
    const once = await moveTraffic({ traffic, clock }, order());
    const again = await moveTraffic({ traffic, clock }, order());
    expect(again).toEqual(once);
    expect((await readTraffic(traffic, endpoint)).traffic.epoch).toBe(1);
  });

  it("stops with ABORTED at any other epoch", async () => {
    await moveTraffic({ traffic, clock }, order());
    await moveTraffic({ traffic, clock }, advance(5, 1));
    const stopped = {
      code: "ABORTED",
      reason: "TRAFFIC_MOVED",
      metadata: { epoch: "2", expectedEpoch: "1", endpoint },
    };
    await expect(moveTraffic({ traffic, clock }, advance(25, 1))).rejects.toMatchObject(stopped);
  });

  it("reads and writes again when only the resource version changed", async () => {
    await moveTraffic({ traffic, clock }, order());
    let interfered = false;
    const ports = but({
      async write(name, document) {
        if (!interfered) {
          interfered = true;
          await markVersionGood({ traffic, clock }, endpoint, v1);
        }
        return traffic.write(name, document);
      },
    });
    const { document } = await moveTraffic(ports, advance(5, 1));
    expect(document.traffic.epoch).toBe(2);
    expect(document.traffic.good[0]?.version).toBe(v1);
  });

  it("takes a lost reply for the success that it was", async () => {
    let writes = 0;
    const ports = but({
      async write(name, document) {
        writes += 1;
        await traffic.write(name, document);
        throw new ControlPlaneError("UNAVAILABLE", "The connection was reset.", { reason: "RESET" });
      },
    });
    const { move } = await moveTraffic(ports, order());
    expect(move.epoch).toBe(1);
    expect(writes).toBe(1);
  });

  it("gives up after a named number of tries", async () => {
    let writes = 0;
    const ports = but({
      write() {
        writes += 1;
        return Promise.resolve({ kind: "conflict" });
      },
    });
    await expect(moveTraffic(ports, order())).rejects.toMatchObject({
      code: "ABORTED",
      reason: "TRAFFIC_CONTENDED",
    });
    expect(writes).toBe(PATCH_ATTEMPTS_MAX);
  });

  it("does not move forward into a hold that came in between", async () => {
    await moveTraffic({ traffic, clock }, order());
    await holdEndpoint({ traffic, clock }, endpoint, { cause: "h", actor: "grace", reason: "audit" });
    await expect(moveTraffic({ traffic, clock }, advance(5, 1))).rejects.toMatchObject({
      reason: "ENDPOINT_HELD",
    });
  });

  it("lets one of many racing orders through and stops the others", async () => {
    await moveTraffic({ traffic, clock }, order());
    const orders = Array.from({ length: 6 }, (_, index) => advance(5 + index, 1));
    const results = await Promise.allSettled(orders.map((each) => moveTraffic({ traffic, clock }, each)));
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    expect((await readTraffic(traffic, endpoint)).traffic.epoch).toBe(2);
  });
});

describe("changing the document without a move", () => {
  it("holds and resumes", async () => {
    const hold = { cause: "h", actor: "grace", reason: "audit" };
    expect((await holdEndpoint({ traffic, clock }, endpoint, hold)).document.traffic.hold).toMatchObject(
      hold,
    );
    expect((await holdEndpoint({ traffic, clock }, endpoint, { ...hold, cause: "again" })).changed).toBe(
      false,
    );
    expect((await resumeEndpoint({ traffic, clock }, endpoint)).document.traffic.hold).toBeNull();
  });

  it("marks good, cold, warm, and drops", async () => {
    const ports = { traffic, clock };
    await moveTraffic(ports, order());
    await markVersionGood(ports, endpoint, v1);
    await moveTraffic(
      ports,
      order({ kind: "advance", to: { [v2]: 100 }, expectedEpoch: 1, cause: "promote" }),
    );
    const cold = await markVersionCold(ports, endpoint, v1);
    expect(cold.document.traffic.good.map((entry) => entry.state)).toEqual(["warm", "cold"]);
    const warm = await markVersionWarm(ports, endpoint, v1);
    expect(warm.document.traffic.good.map((entry) => entry.state)).toEqual(["warm", "warm"]);
    const dropped = await dropGoodVersion(ports, endpoint, v1);
    expect(dropped.document.traffic.good.map((entry) => entry.version)).toEqual([v2]);
    expect(versionWeights(dropped.document)).toEqual({ [v2]: 100 });
  });

  it("never marks cold what a rollback has just gone back to", async () => {
    const ports = { traffic, clock };
    await moveTraffic(ports, order());
    await markVersionGood(ports, endpoint, v1);
    await moveTraffic(
      ports,
      order({ kind: "advance", to: { [v2]: 100 }, expectedEpoch: 1, cause: "promote" }),
    );
    const race = but({
      async write(name, document) {
        await moveTraffic(
          ports,
          order({ kind: "rollback", to: { [v1]: 100 }, expectedEpoch: 2, cause: "back" }),
        );
        return traffic.write(name, document);
      },
    });
    await expect(markVersionCold(race, endpoint, v1)).rejects.toMatchObject({ reason: "STILL_SERVING" });
  });

  it("writes nothing when nothing changes", async () => {
    await traffic.write(
      endpoint,
      setHold(EMPTY_TRAFFIC, { cause: "h", actor: "a", reason: "r", time: "2026-03-01T10:00:00Z" }),
    );
    await holdEndpoint({ traffic, clock }, endpoint, { cause: "x", actor: "a", reason: "r" });
    expect((await readTraffic(traffic, endpoint)).resourceVersion).toBe(1);
  });
});
