import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { backendName } from "../../shared/domain/backend.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { BackendStatus } from "../../shared/ports/deploys.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import {
  READINESS_TIMEOUT_MS,
  rollback,
  ROLLBACK_ATTEMPTS_MAX,
  type RollbackPorts,
} from "../../shared/runtime/rollback.ts";
import {
  markVersionCold,
  markVersionGood,
  moveTraffic,
  readTraffic,
  resumeEndpoint,
} from "../../shared/runtime/traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3] = [version(1), version(2), version(3)];

/** A clock whose time is set by hand and whose sleeps take no time. */
const time = { now: new Date("2026-03-01T10:00:00.000Z") };
const clock = {
  now: () => time.now,
  sleep: () =>
    new Promise<void>((resolve) => {
      setImmediate(resolve);
    }),
};

let directory: string;
let traffic: Traffic;
let states: Map<string, BackendStatus["state"]>;
let probed: string[];
let ports: RollbackPorts;

async function promote(next: string): Promise<void> {
  const document = await readTraffic(traffic, endpoint);
  const { epoch } = document.traffic;
  const kind = epoch === 0 ? "first" : "advance";
  await moveTraffic(ports, {
    endpoint,
    expectedEpoch: epoch,
    kind,
    to: { [next]: 100 },
    cause: `promote-${next}-${epoch}`,
    actor: "services/rollout",
    reason: "passed",
  });
  if (kind === "first") await markVersionGood(ports, endpoint, next);
}

beforeEach(async () => {
  time.now = new Date("2026-03-01T10:00:00.000Z");
  directory = await mkdtemp(join(tmpdir(), "signalbox-rollback-"));
  traffic = await createTraffic({ directory });
  states = new Map();
  probed = [];
  ports = {
    traffic,
    clock,
    deploys: {
      status(backend) {
        probed.push(backend);
        return Promise.resolve({ state: states.get(backend) ?? "ready", message: "", since: "" });
      },
    },
  };
  for (const next of [v1, v2, v3]) await promote(next);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const ask = (more: object = {}) => ({ endpoint, actor: "ada", reason: "wrong prices", ...more });
const setState = (name: string, state: BackendStatus["state"]) =>
  states.set(backendName(endpoint, name), state);

describe("a rollback", () => {
  it("goes back to the last good version, holds the endpoint and says what it did", async () => {
    expect(await rollback(ports, ask({ from: v3 }))).toEqual({
      from: v3,
      to: v2,
      weights: { [v2]: 100 },
      epoch: 4,
      milliseconds: 0,
      alreadyMoved: false,
      drifted: false,
    });
    const document = await readTraffic(traffic, endpoint);
    expect(document.weights).toEqual({ [backendName(endpoint, v2)]: 100 });
    expect(document.traffic.hold).toMatchObject({ actor: "ada", reason: "wrong prices" });
  });

  it("happens once however often from is sent", async () => {
    const first = await rollback(ports, ask({ from: v3 }));
    time.now = new Date("2026-03-01T12:00:00.000Z");
    expect(await rollback(ports, ask({ from: v3 }))).toEqual({ ...first, alreadyMoved: true });
  });

  it("happens once for twenty people at the same moment, with or without from", async () => {
    for (const from of [{ from: v3 }, {}]) {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => rollback(ports, ask({ ...from, actor: `person-${index}` }))),
      );
      expect(results.filter((result) => !result.alreadyMoved)).toHaveLength("from" in from ? 1 : 0);
      expect(new Set(results.map((result) => result.to))).toEqual(new Set([v2]));
    }
    expect((await readTraffic(traffic, endpoint)).traffic.epoch).toBe(4);
  });

  it("answers a replayed request id with what it did, and refuses it with another content", async () => {
    const first = await rollback(ports, ask({ from: v3, requestId: "r-1" }));
    await resumeEndpoint(ports, endpoint);
    await promote(v3);
    expect(await rollback(ports, ask({ from: v3, requestId: "r-1" }))).toEqual({
      ...first,
      alreadyMoved: true,
    });
    await expect(rollback(ports, ask({ from: v3, reason: "other", requestId: "r-1" }))).rejects.toMatchObject(
      { reason: "REQUEST_ID_REUSED" },
    );
  });

  it("writes over whatever a rollout did meanwhile", async () => {
    let interferences = 0;
    const racing: RollbackPorts = {
      ...ports,
      traffic: {
        ...traffic,
        async write(name, document) {
          if (interferences < 3) {
            interferences += 1;
            const { epoch } = (await readTraffic(traffic, endpoint)).traffic;
            await moveTraffic(ports, {
              endpoint,
              expectedEpoch: epoch,
              kind: "advance",
              to: { [v3]: 100 - interferences, [version(4)]: interferences },
              cause: `step-${interferences}`,
              actor: "services/rollout",
              reason: "step",
            });
          }
          return traffic.write(name, document);
        },
      },
    };
    const result = await rollback(racing, ask({ from: v3 }));
    expect(result).toMatchObject({ from: v3, to: v2, epoch: 7, alreadyMoved: false });
    expect((await readTraffic(traffic, endpoint)).traffic.epoch).toBe(7);
  });

  it("takes a lost reply for the success that it was", async () => {
    const lossy: RollbackPorts = {
      ...ports,
      traffic: {
        ...traffic,
        async write(name, document) {
          await traffic.write(name, document);
          throw new ControlPlaneError("UNAVAILABLE", "The connection was reset.", { reason: "RESET" });
        },
      },
    };
    for (const more of [{ from: v3 }, {}, { requestId: "r-9" }]) {
      const result = await rollback(lossy, ask(more));
      expect(result.alreadyMoved).toBe(false);
      time.now = new Date(time.now.getTime() + 3_600_000);
      await resumeEndpoint(ports, endpoint);
      await promote(v3);
    }
  });

  it("ends with UNAVAILABLE when the document cannot be read at all", async () => {
    let reads = 0;
    const down: RollbackPorts = {
      ...ports,
      traffic: {
        ...traffic,
        read() {
          reads += 1;
          return Promise.reject(
            new ControlPlaneError("UNAVAILABLE", "The disk is gone.", { reason: "DISK" }),
          );
        },
      },
    };
    await expect(rollback(down, ask())).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "ROLLBACK_NOT_WRITTEN",
    });
    expect(reads).toBe(ROLLBACK_ATTEMPTS_MAX);
  });

  it("keeps an older hold, and sets none where the policy of a rollout says so", async () => {
    await rollback(ports, ask({ from: v3, hold: false }));
    expect((await readTraffic(traffic, endpoint)).traffic.hold).toBeNull();
    await rollback(ports, ask({ from: v2, reason: "first" }));
    await expect(rollback(ports, ask({ from: v1 }))).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "NO_GOOD_VERSION",
    });
    expect((await readTraffic(traffic, endpoint)).traffic.hold?.reason).toBe("first");
  });
});

describe("the readiness of the target", () => {
  it("is asked of warm versions only", async () => {
    await markVersionCold(ports, endpoint, v1);
    await rollback(ports, ask({ from: v3 }));
    expect(probed).toEqual([backendName(endpoint, v2)]);
  });

  it("leads to the next good version when the first is known dead or starting", async () => {
    for (const state of ["unready", "failed", "preparing"] as const) {
      setState(v2, state);
      expect(await rollback(ports, ask({ from: v3 }))).toMatchObject({ to: v1 });
      await resumeEndpoint(ports, endpoint);
      await promote(v2);
      await promote(v3);
    }
  });

  it("refuses when all are dead, and moves when forced", async () => {
    setState(v1, "failed");
    setState(v2, "failed");
    await expect(rollback(ports, ask({ from: v3 }))).rejects.toMatchObject({ reason: "NO_GOOD_VERSION" });
    expect(await rollback(ports, ask({ from: v3, force: true }))).toMatchObject({
      to: v2,
      alreadyMoved: false,
    });
  });

  it("warms the cold version that it goes to first, and moves at once when forced", async () => {
    await markVersionCold(ports, endpoint, v1);
    await markVersionCold(ports, endpoint, v2);
    await expect(rollback(ports, ask({ from: v3 }))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "TARGET_WARMING",
      metadata: { to: v2 },
    });
    expect(await rollback(ports, ask({ from: v3, force: true }))).toMatchObject({ to: v2 });
    expect((await readTraffic(traffic, endpoint)).traffic.good[0]).toMatchObject({
      version: v2,
      state: "warm",
    });
  });

  it("is not waited for longer than its limit: unknown moves", async () => {
    const silent: RollbackPorts = {
      ...ports,
      clock: systemClock,
      deploys: { status: () => new Promise(() => undefined) },
    };
    const result = await rollback(silent, ask({ from: v3 }));
    expect(result).toMatchObject({ to: v2, alreadyMoved: false });
    expect(result.milliseconds).toBeGreaterThanOrEqual(READINESS_TIMEOUT_MS - 5);
    expect(result.milliseconds).toBeLessThan(2_000);
  });

  it("is unknown when the probe fails, which moves", async () => {
    const broken: RollbackPorts = {
      ...ports,
      deploys: { status: () => Promise.reject(new Error("no route")) },
    };
    expect(await rollback(broken, ask({ from: v3 }))).toMatchObject({ to: v2 });
  });
});

describe("speed", () => {
  it("prints what 200 rollbacks on this machine's disk take", async () => {
    const durations: number[] = [];
    const timed: RollbackPorts = { ...ports, clock: systemClock };
    for (let round = 0; round < 200; round++) {
      const start = performance.now();
      const result = await rollback(timed, ask({ from: v3, hold: false }));
      durations.push(performance.now() - start);
      expect(result).toMatchObject({ to: v2, alreadyMoved: false });
      await promote(v3);
    }
    const sorted = durations.toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(2);
    console.info(`200 rollbacks: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  });
});
