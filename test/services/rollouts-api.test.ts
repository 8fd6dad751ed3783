// The API of rollouts and endpoints through its doors: who may, what is refused, and that asking twice is asking once.
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { createIdentity, hashToken } from "../../shared/runtime/identity.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createServingWorld, type ServingWorld } from "../support/serving-world.ts";
import { backendOf, ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

const WORKFLOW = "a.workflow.token";

async function serving(policy: unknown = QUICK_POLICY): Promise<ServingWorld> {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  await world.configure(policy);
  await world.register(1);
  await reaches(world, rolloutOf(1), "PROMOTED");
  return world;
}

const reaches = (world: ServingWorld, name: string, state: string, max?: number) =>
  world.until(`${name} is ${state}`, async () => (await world.rollout(name))["state"] === state, max);
const atStep = (world: ServingWorld, id: number, step: number) =>
  world.until(
    `version ${id} is at step ${step}`,
    async () => (await world.rollout(rolloutOf(id)))["step"] === step,
  );
const epochOf = async (world: ServingWorld) => (await world.trafficNow()).document.traffic.epoch;

/** A good version that waits at its first step: the steps take an hour each. */
const SLOW = { ...QUICK_POLICY, step: { minSeconds: 3_600, minRequests: 40 }, timeLimit: "12h" };

describe("who may do what", () => {
  test("workflow calls are for workflows alone, people's calls for engineers, resuming for operators", async () => {
    const world = await serving(SLOW);
    await world.register(2);
    await atStep(world, 2, 0);
    const name = rolloutOf(2);
    for (const verb of ["claim", "look", "step", "finish"]) {
      expect((await world.call("grace", `${name}:${verb}`, { execution: "x" })).status).toBe(403);
    }
    for (const verb of ["advance", "pause", "abort", "retry"]) {
      expect((await world.call("vic", `${name}:${verb}`, { reason: "x" })).status).toBe(403);
      expect((await world.call(WORKFLOW, `${name}:${verb}`, { reason: "x" })).status).toBe(403);
    }
    expect((await world.call("vic", `${ENDPOINT}:rollback`, { reason: "x" })).status).toBe(403);
    expect((await world.call("ada", `${ENDPOINT}:resume`, { reason: "x" })).status).toBe(403);
    expect((await world.call("nobody", `${ENDPOINT}:resume`, { reason: "x" })).status).toBe(401);
    expect((await world.call("vic", `${ENDPOINT}:resolveServing`)).status).toBe(200);
  });

  test("an execution that does not own the rollout moves nothing and learns the owner", async () => {
    const world = await serving(SLOW);
    await world.register(2);
    await atStep(world, 2, 0);
    const owner = (await world.rollout(rolloutOf(2)))["execution"];
    const epoch = await epochOf(world);
    const bodies = { claim: {}, look: {}, step: { step: 1 }, finish: { verdict: "pass" } };
    for (const [verb, body] of Object.entries(bodies)) {
      const answer = await world.call(WORKFLOW, `${rolloutOf(2)}:${verb}`, { execution: "another", ...body });
      expect(answer).toMatchObject({ status: 409, error: { metadata: { owner } } });
    }
    expect(await epochOf(world)).toBe(epoch);
  });

  test("requests that are not understood are refused with the field", async () => {
    const world = await serving();
    const refused = await world.call("ada", `${ENDPOINT}:rollback`, { reason: "x", from: "2" });
    expect(refused).toMatchObject({ status: 400, error: { reason: "INVALID_NAME" } });
    expect((await world.call("ada", `${ENDPOINT}:rollback`, { reason: "x", form: "2" })).status).toBe(400);
    expect((await world.call("ada", `${ENDPOINT}:rollback`, {})).status).toBe(400);
    expect((await world.call("vic", `${ENDPOINT}:resolveServing?at=yesterday`)).status).toBe(400);
    expect((await world.call("ada", `${ENDPOINT}/rollouts/none:retry`, { reason: "x" })).status).toBe(404);
  });
});

describe("the workflow's calls", () => {
  test("answer a step that was reached already and refuse softly what is not due", async () => {
    const world = await serving(SLOW);
    await world.register(2);
    await atStep(world, 2, 0);
    const execution = (await world.rollout(rolloutOf(2)))["execution"];
    const epoch = await epochOf(world);
    const step = (to: number) => world.call(WORKFLOW, `${rolloutOf(2)}:step`, { execution, step: to });
    expect(await step(0)).toMatchObject({ status: 200, body: { step: 0, weight: 5 } });
    expect(await step(2)).toMatchObject({ status: 200, body: { step: 0, refused: "NOT_THE_NEXT_STEP" } });
    const finish = (verdict: string) =>
      world.call(WORKFLOW, `${rolloutOf(2)}:finish`, { execution, verdict });
    expect(await finish("pass")).toMatchObject({ status: 200, body: { refused: "NOT_AT_THE_LAST_STEP" } });
    expect(await finish("fail")).toMatchObject({ status: 200, body: { refused: "VERDICT_CHANGED" } });
    expect(await finish("inconclusive")).toMatchObject({
      status: 200,
      body: { refused: "TIME_LIMIT_NOT_REACHED" },
    });
    expect(await epochOf(world)).toBe(epoch);
  });
});

describe("a person", () => {
  test("moves a rollout on step by step up to the promotion, each request id once, recorded as an override", async () => {
    const world = await serving(SLOW);
    await world.register(2);
    await atStep(world, 2, 0);
    const advance = (requestId: string) =>
      world.call("ada", `${rolloutOf(2)}:advance`, { reason: "I know it", requestId });
    expect(await advance("a1")).toMatchObject({ status: 200, body: { step: 1, weight: 25 } });
    expect(await advance("a1")).toMatchObject({ status: 200, body: { step: 1, weight: 25 } });
    expect(await advance("a2")).toMatchObject({ status: 200, body: { step: 2, weight: 50 } });
    expect(await advance("a3")).toMatchObject({ status: 200, body: { state: "PROMOTED", weight: 100 } });
    expect(await advance("a3")).toMatchObject({ status: 200, body: { state: "PROMOTED" } });
    await world.second();
    const promoted = (await world.facts(rolloutOf(2))).find(({ type }) => type === "rollout.promoted");
    expect(promoted).toMatchObject({ actor: "ada", data: { override: true } });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(2)]: 100 });
  });

  test("ends the judgement of a first version early, once, and it is in good standing then", async () => {
    const world = createServingWorld();
    onTestFinished(() => world.close());
    await world.configure(SLOW);
    world.load.requestsPerSecond = 1;
    await world.register(1);
    await atStep(world, 1, 0);
    const advance = () =>
      world.call("ada", `${rolloutOf(1)}:advance`, { reason: "I know it", requestId: "f1" });
    expect(await advance()).toMatchObject({ status: 200, body: { state: "PROMOTED" } });
    expect(await advance()).toMatchObject({ status: 200, body: { state: "PROMOTED" } });
    const { traffic } = (await world.trafficNow()).document;
    expect(traffic).toMatchObject({ epoch: 1, good: [{ version: versionNamed(1) }] });
  });

  test("cannot override a fail, nor advance while the endpoint is held or the release is not ready", async () => {
    const world = await serving(SLOW);
    await world.register(2, { readyMs: 20_000 });
    await world.second();
    const advance = (id: number) => world.call("ada", `${rolloutOf(id)}:advance`, { reason: "go" });
    expect((await advance(2)).error?.reason).toBe("RELEASE_NOT_READY");
    await atStep(world, 2, 0);
    await world.crashExecutions();
    world.behaviours.set(backendOf(2), { errorRate: 0.5 });
    for (let passed = 0; passed < 15; passed += 1) await world.second();
    expect((await advance(2)).error?.reason).toBe("VERDICT_FAIL");
    expect((await world.trafficNow()).weights).toMatchObject({ [versionNamed(2)]: 5 });
    await world.call("ada", `${ENDPOINT}:rollback`, { reason: "bad", from: versionNamed(2) });
    await world.register(3);
    await world.second();
    expect((await advance(3)).error?.reason).toBe("ROLLOUT_NOT_STARTED");
  });

  test("pauses a rollout at its weights and lets it go on", async () => {
    const world = await serving();
    await world.register(2);
    await atStep(world, 2, 0);
    const pause = (body: object) => world.call("ada", `${rolloutOf(2)}:pause`, { reason: "lunch", ...body });
    expect(await pause({ requestId: "p1" })).toMatchObject({
      status: 200,
      body: { paused: true, weight: 5 },
    });
    expect(await pause({ requestId: "p1" })).toMatchObject({ status: 200, body: { paused: true } });
    for (let passed = 0; passed < 30; passed += 1) await world.second();
    expect((await world.trafficNow()).weights).toMatchObject({ [versionNamed(2)]: 5 });
    expect(await pause({ paused: false })).toMatchObject({ status: 200, body: { paused: false } });
    await reaches(world, rolloutOf(2), "PROMOTED");
  });

  test("aborts a running and a waiting rollout: weights go back, nothing is held, nobody is blamed", async () => {
    const world = await serving(SLOW);
    await world.register(2);
    await world.register(3);
    await atStep(world, 2, 0);
    const abort = (id: number) => world.call("ada", `${rolloutOf(id)}:abort`, { reason: "not today" });
    expect(await abort(3)).toMatchObject({ status: 200, body: { state: "ABORTED" } });
    expect(await abort(2)).toMatchObject({ status: 200, body: { state: "ABORTED", weight: 0 } });
    expect(await abort(2)).toMatchObject({ status: 200, body: { state: "ABORTED" } });
    await world.second();
    expect(await world.trafficNow()).toMatchObject({ weights: { [versionNamed(1)]: 100 }, hold: null });
    expect(await world.endpoint()).toMatchObject({ running: null, waiting: [], held: false });
    expect((await world.call("ada", `${rolloutOf(1)}:abort`, { reason: "x" })).error?.reason).toBe(
      "ROLLOUT_ENDED",
    );
    expect((await world.call("ada", `${rolloutOf(1)}:retry`, { reason: "x" })).error?.reason).toBe(
      "ROLLOUT_PROMOTED",
    );
  });
});

describe("what an endpoint served", () => {
  test("is answered for now, for the past, for a split, and not for before its first version", async () => {
    const world = await serving();
    const before = world.clock.now().toISOString();
    await world.register(2);
    await atStep(world, 2, 1);
    const split = world.clock.now().toISOString();
    await reaches(world, rolloutOf(2), "PROMOTED");
    await world.second();
    const at = async (time?: string) =>
      (await world.call("vic", `${ENDPOINT}:resolveServing${time === undefined ? "" : `?at=${time}`}`)).body;
    const promotedAt = world.clock.now().toISOString();
    expect(await at()).toMatchObject({
      versions: [{ modelVersion: versionNamed(2), percent: 100 }],
      endTime: null,
    });
    await world.second();
    await world.call("ada", `${ENDPOINT}:rollback`, { reason: "odd", from: versionNamed(2) });
    expect(await at()).toMatchObject({ versions: [{ modelVersion: versionNamed(1), percent: 100 }] });
    expect(await at(promotedAt)).toMatchObject({
      versions: [{ modelVersion: versionNamed(2) }],
      certain: true,
    });
    expect(await at(before)).toMatchObject({ versions: [{ modelVersion: versionNamed(1) }] });
    expect(await at(split)).toMatchObject({
      versions: [
        { modelVersion: versionNamed(1), percent: 75 },
        { modelVersion: versionNamed(2), percent: 25 },
      ],
    });
    expect((await world.call("vic", `${ENDPOINT}:resolveServing?at=2020-01-01T00:00:00Z`)).status).toBe(404);
  });

  test("is answered from the record when the traffic document does not reach back that far", async () => {
    const world = await serving();
    const early = world.clock.now().toISOString();
    for (let turn = 0; turn < 10; turn += 1) {
      await world.register(2 + turn, { errorRate: 0.5 });
      await reaches(world, rolloutOf(2 + turn), "ROLLED_BACK");
      await world.call("grace", `${ENDPOINT}:resume`, { reason: "next" });
    }
    const moves = (await world.trafficNow()).document.traffic.moves;
    expect(moves.at(-1)?.epoch).toBeGreaterThan(1);
    const answer = await world.call("vic", `${ENDPOINT}:resolveServing?at=${early}`);
    expect(answer.body).toMatchObject({
      epoch: 1,
      versions: [{ modelVersion: versionNamed(1), percent: 100 }],
      certain: true,
    });
    expect(answer.body["endTime"]).toBeTypeOf("string");
  });
});

describe("with the ledger down", () => {
  for (const fault of ["fails", "never answers"] as const) {
    test(`(it ${fault}) an endpoint is rolled back and resumed, and both are recorded afterwards`, async () => {
      const world = await serving();
      await world.register(2);
      await reaches(world, rolloutOf(2), "PROMOTED");
      const down = () =>
        fault === "fails"
          ? Promise.reject(new ControlPlaneError("UNAVAILABLE", "The ledger is down.", { reason: "DOWN" }))
          : new Promise<never>(() => {});
      const ledger = {
        read: down,
        decision: down,
        append: down,
        list: down,
        snapshot: down,
        keepSnapshot: down,
      };
      const identity = createIdentity({
        readPrincipals: async () => [
          { principal: "grace", role: "operator", codeHostLogins: [], tokenHash: hashToken("grace") },
        ],
        verifyWorkflowToken: async () => undefined,
      });
      const app = createServer({ clock: world.clock, log: world.log, identity });
      onTestFinished(() => app.close());
      await app.register(endpointRoutes({ ...world.ports, ledger }));
      const post = (verb: string, payload: object) =>
        app.inject({
          method: "POST",
          url: `/v1/${ENDPOINT}:${verb}`,
          headers: { authorization: "Bearer grace" },
          payload,
        });

      const back = await post("rollback", { reason: "now", from: versionNamed(2) });
      expect(back.json()).toMatchObject({ to: versionNamed(1), weights: { [versionNamed(1)]: 100 } });
      const resumed = post("resume", { reason: "fine" });
      for (let passed = 0; passed < 6; passed += 1) await world.clock.advance(1_000);
      expect((await resumed).json()).toEqual({ name: ENDPOINT, resumed: true, recorded: false });
      expect((await world.trafficNow()).hold).toBeNull();
      await world.second();
      const moves = (await world.facts(ENDPOINT)).filter(({ type }) => type === "traffic.moved");
      expect(moves.at(-1)).toMatchObject({
        actor: "grace",
        data: { kind: "rollback", to: { [versionNamed(1)]: 100 } },
      });
    });
  }
});
