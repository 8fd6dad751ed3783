// A rollback where somebody else changed the store: it puts the weights right, says so, and makes no move of it.
import { beforeEach, describe, expect, it } from "vitest";
import { backendName } from "../../shared/domain/backend.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import { rollback, type RollbackPorts } from "../../shared/runtime/rollback.ts";
import { markVersionGood, moveTraffic, readTraffic } from "../../shared/runtime/traffic.ts";
import { createVirtualClock } from "../support/clock.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3] = [version(1), version(2), version(3)];
const ask = (more: object = {}) => ({ endpoint, actor: "ada", reason: "wrong prices", ...more });

let traffic: Traffic;
let ports: RollbackPorts;

beforeEach(async () => {
  traffic = createMemoryTraffic();
  const clock = { ...createVirtualClock(), sleep: () => Promise.resolve() };
  const deploys = { status: () => Promise.resolve({ state: "ready", message: "", since: "" } as const) };
  ports = { traffic, clock, deploys };
  for (const [epoch, next] of [v1, v2, v3].entries()) {
    const kind = epoch === 0 ? "first" : "advance";
    const order = { endpoint, kind, cause: next, actor: "services/rollout", reason: "passed" } as const;
    await moveTraffic(ports, { ...order, to: { [next]: 100 }, expectedEpoch: epoch });
    if (epoch === 0) await markVersionGood(ports, endpoint, next);
  }
});

describe("a rollback of what somebody changed by hand", () => {
  /** Traffic whose store sends requests to a version until somebody writes. */
  function drifting(name: string): RollbackPorts & { readonly written: () => number } {
    let count = 0;
    const drift = { [backendName(endpoint, name)]: 100 };
    const read: Traffic["read"] = async (of) => {
      const document = await traffic.read(of);
      return document === undefined || count > 0 ? document : { ...document, drift };
    };
    const write: Traffic["write"] = (of, document) => {
      count += 1;
      return traffic.write(of, document);
    };
    return { ...ports, traffic: { ...traffic, read, write }, written: () => count };
  }

  it("writes the weights again at the same epoch, once, and says so", async () => {
    await rollback(ports, ask({ from: v3 }));
    const on = drifting(v3);
    const done = { from: v3, to: v2, weights: { [v2]: 100 }, epoch: 4, alreadyMoved: true };
    expect(await rollback(on, ask({ from: v3 }))).toMatchObject({ ...done, drifted: true });
    expect(await rollback(on, ask({ from: v3 }))).toMatchObject({ ...done, drifted: false });
    expect(on.written()).toBe(1);
    expect((await readTraffic(traffic, endpoint)).traffic.epoch).toBe(4);
  });

  it("takes off a version that was never moved to", async () => {
    const on = drifting(version(9));
    const done = { from: version(9), to: v3, alreadyMoved: true, drifted: true };
    expect(await rollback(on, ask({ from: version(9) }))).toMatchObject(done);
  });

  it("moves as ever, and says what it wrote over", async () => {
    const on = drifting(v1);
    const done = { from: v3, to: v2, epoch: 4, alreadyMoved: false, drifted: true };
    expect(await rollback(on, ask({ from: v3 }))).toMatchObject(done);
  });

  it("says so too where the reply of the write was lost", async () => {
    await rollback(ports, ask({ from: v3 }));
    const on = drifting(v3);
    let isLost = false;
    const write: Traffic["write"] = async (of, document) => {
      const result = await on.traffic.write(of, document);
      if (isLost) return result;
      isLost = true;
      throw new ControlPlaneError("UNAVAILABLE", "The connection was reset.", { reason: "RESET" });
    };
    const lossy = { ...on, traffic: { ...on.traffic, write } };
    const done = { to: v2, epoch: 4, alreadyMoved: true, drifted: true };
    expect(await rollback(lossy, ask({ from: v3 }))).toMatchObject(done);
  });
});
