// Rolling back to a version that is scaled down, with nothing but the traffic document and the backends.
import { beforeEach, describe, expect, it } from "vitest";
import { backendName } from "../../shared/domain/backend.ts";
import { openWarmUp, WARM_UP_TIME_MAX_MS } from "../../shared/domain/warm-up.ts";
import type { BackendStatus } from "../../shared/ports/deploys.ts";
import { askRollback, rollback } from "../../shared/runtime/rollback.ts";
import {
  markVersionCold,
  markVersionGood,
  moveTraffic,
  readTraffic,
  resumeEndpoint,
} from "../../shared/runtime/traffic.ts";
import { driveWarmUp } from "../../shared/runtime/warm-up.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (id: number): string => `teams/default/models/ranker/versions/${id}`;
const [v1, v2] = [version(1), version(2)];
const COLD = backendName(ENDPOINT, v1);

const time = { ms: Date.parse("2026-03-01T10:00:00.000Z") };
const clock = { now: () => new Date(time.ms), sleep: async () => {} };

let states: Map<string, BackendStatus["state"]>;
let warmed: string[];
let remembered: boolean;
let traffic: ReturnType<typeof createMemoryTraffic>;

const portsOf = () => ({
  traffic,
  clock,
  deploys: {
    status: async (backend: string) => ({
      state: states.get(backend) ?? "unknown",
      message: "its log says why.",
      since: "",
    }),
    warm: async (backend: string) => {
      if (!remembered) return false;
      warmed.push(backend);
      states.set(backend, "preparing");
      return true;
    },
  },
  prepareAgain: async () => false,
});

async function promote(next: string): Promise<void> {
  const { epoch } = (await readTraffic(traffic, ENDPOINT)).traffic;
  const kind = epoch === 0 ? "first" : "advance";
  const order = { endpoint: ENDPOINT, expectedEpoch: epoch, kind, to: { [next]: 100 } } as const;
  await moveTraffic(portsOf(), {
    ...order,
    cause: `promote-${next}`,
    actor: "services/rollout",
    reason: "passed",
  });
  if (kind === "first") await markVersionGood(portsOf(), ENDPOINT, next);
}

beforeEach(async () => {
  time.ms = Date.parse("2026-03-01T10:00:00.000Z");
  states = new Map();
  warmed = [];
  remembered = true;
  traffic = createMemoryTraffic();
  await promote(v1);
  await promote(v2);
  await markVersionCold(portsOf(), ENDPOINT, v1, 4_000);
  states.set(COLD, "cold");
});

const back = (more: object = {}) =>
  askRollback(portsOf(), { endpoint: ENDPOINT, actor: "ada", reason: "wrong prices", ...more });
const drive = () => driveWarmUp(portsOf(), ENDPOINT);
const document = () => readTraffic(traffic, ENDPOINT);

async function accepted(more: object = {}) {
  const outcome = await back(more);
  if (outcome.kind !== "warming") throw new Error("it moved at once");
  return outcome.warmUp;
}

describe("a rollback to a cold version", () => {
  it("is taken on with the time that its last start took, and holds the endpoint", async () => {
    const warmUp = await accepted({ from: v2 });
    expect(warmUp).toMatchObject({ from: v2, to: v1, backend: COLD, eta: "2026-03-01T10:00:04.000Z" });
    expect((await document()).traffic).toMatchObject({ epoch: 2, hold: { actor: "ada" } });
  });

  it("warms once, waits, and moves when the version is ready", async () => {
    const { id } = await accepted({ from: v2, requestId: "r-1" });
    await drive();
    await drive();
    expect(warmed).toEqual([COLD]);
    expect((await document()).traffic.epoch).toBe(2);
    states.set(COLD, "ready");
    await drive();
    await drive();
    const { traffic: now } = await document();
    expect(now.moves[0]).toMatchObject({
      epoch: 3,
      kind: "rollback",
      to: { [v1]: 100 },
      actor: "ada",
      reason: "wrong prices",
      requestId: "r-1",
    });
    expect(now.operations).toMatchObject([{ id, end: { epoch: 3 } }]);
    expect(now.good[0]).toMatchObject({ version: v1, state: "warm" });
  });

  it("is one operation however often it is asked for, with or without a request id", async () => {
    const first = await accepted({ from: v2, requestId: "r-1" });
    expect(await accepted({ from: v2, requestId: "r-1" })).toEqual(first);
    expect(await accepted({ from: v2 })).toEqual(first);
    expect(await accepted()).toEqual(first);
    await expect(back({ from: v2, reason: "other", requestId: "r-1" })).rejects.toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
  });

  it("answers the move to the same request once it is done", async () => {
    await accepted({ from: v2, requestId: "r-1" });
    states.set(COLD, "ready");
    await drive();
    expect(await back({ from: v2, requestId: "r-1" })).toMatchObject({
      kind: "moved",
      result: { to: v1, epoch: 3, alreadyMoved: true },
    });
  });

  it("moves at once with force, which ends what was under way", async () => {
    const { id } = await accepted({ from: v2 });
    expect(await back({ from: v2, force: true })).toMatchObject({ kind: "moved", result: { to: v1 } });
    expect((await document()).traffic.operations).toMatchObject([{ id, end: { epoch: 3 } }]);
    expect(openWarmUp(await document())).toBeUndefined();
  });

  it("ends with the reason when the version cannot be started, and traffic stays", async () => {
    const { id } = await accepted({ from: v2 });
    states.set(COLD, "failed");
    await drive();
    const { traffic: now } = await document();
    expect(now.epoch).toBe(2);
    expect(now.operations).toMatchObject([{ id, end: { failure: { reason: "TARGET_FAILED" } } }]);
  });

  it("ends when the version does not become ready in its time", async () => {
    await accepted({ from: v2 });
    states.set(COLD, "preparing");
    time.ms += WARM_UP_TIME_MAX_MS + 1;
    await drive();
    expect((await document()).traffic.operations?.[0]?.end?.failure).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      reason: "TARGET_NOT_READY",
    });
  });

  it("ends when nobody remembers how the version was served", async () => {
    remembered = false;
    await accepted({ from: v2 });
    await drive();
    expect((await document()).traffic.operations?.[0]?.end?.failure?.reason).toBe("TARGET_UNKNOWN");
  });

  it("is given up when a person resumes the endpoint", async () => {
    await accepted({ from: v2 });
    await resumeEndpoint(portsOf(), ENDPOINT);
    states.set(COLD, "ready");
    await drive();
    expect((await document()).traffic.epoch).toBe(2);
  });

  it("is refused for good to whoever asks until it has moved, once it was given up", async () => {
    const request = { endpoint: ENDPOINT, actor: "ada", reason: "wrong prices", from: v2, requestId: "r-1" };
    await expect(rollback(portsOf(), request)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "TARGET_WARMING",
    });
    await resumeEndpoint(portsOf(), ENDPOINT);
    await expect(rollback(portsOf(), request)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "RESUMED",
    });
  });

  it("is taken on once by twenty people at the same time", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => accepted({ from: v2 })));
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(1);
    expect((await document()).traffic.operations).toHaveLength(1);
  });

  it("moves once, however many drive it", async () => {
    await accepted({ from: v2 });
    states.set(COLD, "ready");
    await Promise.all(Array.from({ length: 10 }, drive));
    expect((await document()).traffic.epoch).toBe(3);
  });
});
