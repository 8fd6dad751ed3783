// The protocol of DESIGN's traffic under faults: what the runtime makes of conflicts, lost replies and outages of the API server.
import { describe, expect, it, onTestFinished } from "vitest";
import { objectPath, HTTP_ROUTES } from "../../../shared/adapters/kubernetes/objects.ts";
import { createKubernetesClient } from "../../../shared/adapters/kubernetes/client.ts";
import { createTraffic } from "../../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { rollback, type RollbackRequest } from "../../../shared/runtime/rollback.ts";
import {
  editTraffic,
  moveTraffic,
  type MoveOrder,
  PATCH_ATTEMPTS_MAX,
} from "../../../shared/runtime/traffic.ts";
import { markGood } from "../../../shared/domain/traffic-standing.ts";
import type { Traffic } from "../../../shared/ports/traffic.ts";
import type { Fault } from "../../support/kubernetes/apiserver-fake.ts";
import { fakeWorld, freshPlacement } from "../../support/kubernetes/world.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const order = (epoch: number, to: number, kind: MoveOrder["kind"] = "advance"): MoveOrder => ({
  endpoint,
  kind,
  to: { [version(to)]: 100 },
  cause: `cause-${epoch + 1}-${to}`,
  actor: "ada",
  reason: "rollout",
  expectedEpoch: epoch,
});
const backwards: RollbackRequest = { endpoint, from: version(2), actor: "grace", reason: "errors" };
const status = (http: number, reason: string): Fault => ({
  http,
  body: JSON.stringify({ kind: "Status", reason, message: "no", code: http }),
});

/** An endpoint that serves version 2 and can go back to version 1. */
async function served() {
  const world = await fakeWorld();
  onTestFinished(() => world.close());
  const placement = await freshPlacement(world.client());
  const client = createKubernetesClient({ ...world.access("admin"), timeoutMs: 300 });
  const traffic = createTraffic({ client, placement, drifted: () => undefined });
  const deploys = { status: async () => ({ state: "ready", message: "", since: "" }) as const };
  const ports = { traffic, clock, deploys };
  await moveTraffic(ports, order(0, 1, "first"));
  await editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, version(1), time));
  await moveTraffic(ports, order(1, 2));
  const path = objectPath(HTTP_ROUTES, `${placement.namespacePrefix}default`, "ranker");
  const causes = async () => (await traffic.read(endpoint))?.traffic.moves.map(({ cause }) => cause);
  return { world, fake: world.fake, ports, traffic, path, causes };
}

/** A traffic in which somebody else writes before each of the first writes. */
function raced(traffic: Traffic, races: number, other: () => Promise<unknown>): Traffic {
  let left = races;
  return {
    ...traffic,
    async write(...call) {
      if (left-- > 0) await other();
      return traffic.write(...call);
    },
  };
}

describe("a move on HTTPRoutes", () => {
  it("is written again when the epoch is unchanged after a conflict", async () => {
    const { ports, path, world, causes } = await served();
    let count = 0;
    const touch = () =>
      world.client().patch(path, { metadata: { annotations: { touched: String(count++) } } });
    await moveTraffic({ ...ports, traffic: raced(ports.traffic, 3, touch) }, order(2, 3));
    expect(await causes()).toEqual(["cause-3-3", "cause-2-2", "cause-1-1"]);
  });

  it("stops when somebody else has moved", async () => {
    const { ports, causes } = await served();
    const traffic = raced(ports.traffic, 1, () => moveTraffic(ports, order(2, 4)));
    await expect(moveTraffic({ ...ports, traffic }, order(2, 3))).rejects.toMatchObject({
      code: "ABORTED",
      reason: "TRAFFIC_MOVED",
    });
    expect(await causes()).toEqual(["cause-3-4", "cause-2-2", "cause-1-1"]);
  });

  it("gives up after as many tries as are named", async () => {
    const { ports, path, world, fake } = await served();
    let count = 0;
    const touch = () =>
      world.client().patch(path, { metadata: { annotations: { touched: String(count++) } } });
    const before = fake.requests.length;
    const traffic = raced(ports.traffic, PATCH_ATTEMPTS_MAX, touch);
    await expect(moveTraffic({ ...ports, traffic }, order(2, 3))).rejects.toMatchObject({
      reason: "TRAFFIC_CONTENDED",
    });
    expect(fake.requests.length - before).toBe(3 * PATCH_ATTEMPTS_MAX);
  });
});

describe.each<readonly [string, readonly Fault[]]>([
  ["a lost reply of its write", ["none", "lost-reply"]],
  ["a cut connection", ["cut", "cut"]],
  ["a server that never answers once", ["hang"]],
  ["a busy server", [status(429, "TooManyRequests"), status(503, "ServiceUnavailable")]],
  ["a conflict out of nowhere", ["none", status(409, "Conflict")]],
])("despite %s", (_, faults) => {
  it("a move is made once", async () => {
    const { ports, fake, causes } = await served();
    fake.fail(...faults);
    await moveTraffic(ports, order(2, 3));
    expect(await causes()).toEqual(["cause-3-3", "cause-2-2", "cause-1-1"]);
  });

  it("a rollback is made once", async () => {
    const { ports, fake, traffic } = await served();
    fake.fail(...faults);
    await rollback(ports, backwards);
    const document = await traffic.read(endpoint);
    expect(document?.traffic).toMatchObject({ epoch: 3, hold: { actor: "grace" } });
    expect(document?.traffic.moves[0]?.to).toEqual({ [version(1)]: 100 });
  });
});

describe("a rollback on HTTPRoutes", () => {
  it("never stops for other writers: it goes over whatever they wrote", async () => {
    const { ports, traffic } = await served();
    let share = 100;
    const splitting = raced(traffic, 2 * PATCH_ATTEMPTS_MAX, async () => {
      share -= 1;
      const epoch = (await traffic.read(endpoint))?.traffic.epoch ?? 0;
      await moveTraffic(ports, {
        ...order(epoch, 3),
        to: { [version(2)]: share, [version(3)]: 100 - share },
      });
    });
    await rollback({ ...ports, traffic: splitting }, backwards);
    const document = await traffic.read(endpoint);
    expect(document?.traffic.epoch).toBe(2 + 2 * PATCH_ATTEMPTS_MAX + 1);
    expect(document?.traffic.moves[0]).toMatchObject({ kind: "rollback", to: { [version(1)]: 100 } });
  });

  it("says at once that it may not, and leaves the route as it was", async () => {
    const { ports, fake, causes } = await served();
    const before = fake.requests.length;
    fake.fail("none", status(403, "Forbidden"));
    await expect(rollback(ports, backwards)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KUBERNETES_FORBIDDEN",
    });
    expect(fake.requests.length - before).toBe(2);
    expect(await causes()).toHaveLength(2);
  });

  it("asks the API server twice, to read and to write", async () => {
    const { ports, fake } = await served();
    const before = fake.requests.length;
    await rollback(ports, backwards);
    expect(fake.requests.slice(before).map((request) => request.split(" ")[0])).toEqual(["GET", "PATCH"]);
  });
});
