import { describe, expect, onTestFinished, test } from "vitest";
import {
  type CloudExecutionsOptions,
  createCloudExecutions,
  EXECUTION_ARGUMENT_BYTES_MAX,
} from "../../../shared/adapters/google/executions.ts";
import { toExecution } from "../../../shared/adapters/google/executions-wire.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { CallsOptions } from "../../../shared/adapters/google/calls.ts";
import { CONTRACT_WORKFLOWS, ended, itBehavesLikeExecutions } from "../../contracts/executions.ts";
import { createExecutionsServer } from "../../support/google/executions-server.ts";

async function platform(options: Partial<CallsOptions> & { activeMax?: number; project?: string } = {}) {
  const { activeMax, ...rest } = options;
  const server = await createExecutionsServer(CONTRACT_WORKFLOWS, {
    project: "p",
    ...(activeMax === undefined ? {} : { activeMax }),
  });
  onTestFinished(() => server.close());
  const make = (
    workflows: readonly string[] = Object.keys(CONTRACT_WORKFLOWS),
    project = rest.project ?? "p",
  ) =>
    createCloudExecutions({
      client: server.client,
      clock: systemClock,
      location: "europe-west1",
      workflows,
      ...rest,
      project,
    });
  return { ...server, executions: make(), make };
}

itBehavesLikeExecutions("the Cloud Workflows adapter", async () => (await platform()).executions);

const ECHO = { workflow: "echoes", argument: { say: "x" }, cause: "teams/default/runs/r1" };
const CREATE = /^POST .*\/executions$/;
const LIST = /^GET .*\/executions$/;
const creates = (requests: readonly string[]): number => requests.filter((line) => CREATE.test(line)).length;

describe("when Cloud Workflows misbehaves, executions", () => {
  test("are adopted when the reply to their creation was lost", async () => {
    const { front, executions } = await platform();
    front.fail(CREATE, { kind: "lost reply" });
    const { id } = await executions.start(ECHO);
    expect((await executions.find(ECHO.cause)).map((each) => each.id)).toEqual([id]);
    expect(creates(front.requests)).toBe(1);
  });

  test("are adopted by another process of ours that knows nothing of them", async () => {
    const { front, executions, make } = await platform();
    const { id } = await executions.start(ECHO);
    expect((await make().start(ECHO)).id).toBe(id);
    expect(creates(front.requests)).toBe(1);
  });

  test.each([-3_600_000, 3_600_000])(
    "are one where two processes of ours disagree by %i ms",
    async (skewMs) => {
      const skewed = { ...systemClock, now: () => new Date(Date.now() + skewMs) };
      const { front, executions, ...rest } = await platform();
      const { id } = await executions.start(ECHO);
      const other = createCloudExecutions({
        client: rest.client,
        clock: skewed,
        project: "p",
        location: "europe-west1",
        workflows: Object.keys(CONTRACT_WORKFLOWS),
      });
      expect((await other.start(ECHO)).id).toBe(id);
      expect((await ended(other, id)).startedAt).toBe((await ended(executions, id)).startedAt);
      expect(creates(front.requests)).toBe(1);
    },
  );

  test("are found behind a page without any, as a list that is filtered may have", async () => {
    const { client, executions } = await platform();
    const { id } = await executions.start(ECHO);
    const sparse: CloudExecutionsOptions["client"] = {
      createExecution: client.createExecution.bind(client),
      getExecution: client.getExecution.bind(client),
      cancelExecution: client.cancelExecution.bind(client),
      listExecutions: (async ({ pageToken, ...request }: { readonly pageToken?: string }, options: object) =>
        pageToken === "behind"
          ? client.listExecutions(request, options)
          : [[], { ...request, pageToken: "behind" }, {}]) as unknown as typeof client.listExecutions,
    };
    const other = createCloudExecutions({
      client: sparse,
      clock: systemClock,
      project: "p",
      location: "europe-west1",
      workflows: Object.keys(CONTRACT_WORKFLOWS),
    });
    expect((await other.find(ECHO.cause)).map((each) => each.id)).toEqual([id]);
    expect((await other.start(ECHO)).id).toBe(id);
  });

  test("are not created again in the same breath when the list is behind as well", async () => {
    const { front, executions } = await platform();
    const empty = { kind: "answered", answer: () => ({ status: 200, body: {} }) } as const;
    front.fail(LIST, empty, 2);
    front.fail(CREATE, { kind: "lost reply" });
    await expect(executions.start(ECHO)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(creates(front.requests)).toBe(1);
    // The list has caught up when the same is asked again.
    await executions.start(ECHO);
    expect(creates(front.requests)).toBe(1);
  });

  test("may be two when the list stays behind, and both are found, the older first", async () => {
    const { front, executions, make } = await platform();
    const first = await executions.start({ ...ECHO, workflow: "waits" });
    front.fail(LIST, { kind: "answered", answer: () => ({ status: 200, body: {} }) });
    const second = await make().start({ ...ECHO, workflow: "waits" });
    expect(second.id).not.toBe(first.id);
    expect((await executions.find(ECHO.cause)).map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  test.each([
    [429, "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"],
    [503, "UNAVAILABLE", "UNAVAILABLE"],
    [403, "PERMISSION_DENIED", "PERMISSION_DENIED"],
    [401, "UNAUTHENTICATED", "UNAVAILABLE"],
    [400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"],
  ] as const)("answer %i %s as our error, and are asked once", async (status, code, ours) => {
    const { front, executions, make } = await platform();
    front.fail(CREATE, { kind: "refused", status, code });
    await expect(executions.start(ECHO)).rejects.toMatchObject({ name: "ControlPlaneError", code: ours });
    expect(creates(front.requests)).toBe(1);
    front.fail(/^GET .*\/echoes\/executions\/x$/, { kind: "refused", status, code }, 10);
    await expect(make(["echoes"]).get("x")).rejects.toMatchObject({ code: ours });
    expect(front.requests.filter((line) => line.endsWith("/x"))).toHaveLength(1);
  });

  test("of a project that is not ours are refused, and nothing starts", async () => {
    const { executions, make } = await platform({ project: "q" });
    for (const call of [
      () => executions.start(ECHO),
      () => executions.find(ECHO.cause),
      () => executions.get("x"),
    ])
      await expect(call()).rejects.toMatchObject({ name: "ControlPlaneError", code: "PERMISSION_DENIED" });
    expect(await make(undefined, "p").find(ECHO.cause)).toEqual([]);
  });

  test("are given up at the deadline when nothing answers", async () => {
    const { front, executions } = await platform({ timeoutMs: 100 });
    front.fail(/./, { kind: "silence" }, 10);
    await expect(executions.start(ECHO)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await expect(executions.find("c")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("are UNAVAILABLE when nobody listens, with no token in the message", async () => {
    const { front, executions } = await platform();
    await front.close();
    const error: unknown = await executions.start(ECHO).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "UNAVAILABLE" });
    expect(JSON.stringify(error) + String(error)).not.toContain("sbx_");
  });

  test("that wait in the queue can be cancelled there, and cancelling twice is harmless", async () => {
    const { executions } = await platform({ activeMax: 1 });
    await executions.start({ workflow: "waits", argument: null, cause: "a" });
    const queued = await executions.start({ workflow: "echoes", argument: null, cause: "b" });
    expect(queued.state).toBe("QUEUED");
    await executions.cancel(queued.id);
    await executions.cancel(queued.id);
    expect(await ended(executions, queued.id)).toMatchObject({ state: "CANCELLED" });
  });

  test("are cancelled although the reply was lost", async () => {
    const { front, executions } = await platform();
    const { id } = await executions.start({ workflow: "waits", argument: null, cause: "a" });
    front.fail(/:cancel$/, { kind: "lost reply" });
    await executions.cancel(id);
    expect(await executions.get(id)).toMatchObject({ state: "CANCELLED" });
  });
});

test("the names that Terraform gives begin with the installation's prefix, and ours do not", async () => {
  const echoes = CONTRACT_WORKFLOWS["echoes"] ?? "";
  const server = await createExecutionsServer({ "signalbox-prod-echoes": echoes, echoes });
  onTestFinished(() => server.close());
  const executions = createCloudExecutions({
    client: server.client,
    clock: systemClock,
    project: "p",
    location: "europe-west1",
    prefix: "signalbox-prod-",
    workflows: ["echoes"],
  });
  const { id, workflow } = await executions.start(ECHO);
  expect(workflow).toBe("echoes");
  expect((await executions.find(ECHO.cause)).map((each) => [each.workflow, each.id])).toEqual([
    ["echoes", id],
  ]);
  expect(server.front.requests.every((line) => line.includes("/workflows/signalbox-prod-echoes/"))).toBe(
    true,
  );
  await executions.cancel(id);
});

describe("bad input to executions", () => {
  test("is refused before anything is asked", async () => {
    const { front, executions } = await platform();
    const big = { ...ECHO, argument: { say: "x".repeat(EXECUTION_ARGUMENT_BYTES_MAX) } };
    await expect(executions.start(big)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "argument",
    });
    await expect(executions.start({ ...ECHO, workflow: "../x" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await executions.get("../../x")).toBeUndefined();
    expect(front.requests).toEqual([]);
  });

  test("is taken up to the size that Workflows takes", async () => {
    const { executions } = await platform();
    const say = "x".repeat(EXECUTION_ARGUMENT_BYTES_MAX - JSON.stringify({ say: "" }).length);
    const { id } = await executions.start({ ...ECHO, argument: { say } });
    expect((await ended(executions, id)).state).toBe("SUCCEEDED");
  });

  test("comes through as it is: __proto__ keys, control characters and large integers", async () => {
    const { executions } = await platform();
    const say = JSON.parse(
      '{"__proto__": 1, "constructor": {"a": "\\u0000é"}, "n": 9007199254740991}',
    ) as unknown;
    const { id } = await executions.start({ ...ECHO, argument: { say }, cause: "__proto__" });
    const { result } = await ended(executions, id);
    expect(JSON.stringify((result as { said: unknown }).said)).toBe(JSON.stringify(say));
    expect((await executions.find("__proto__")).map((each) => each.id)).toEqual([id]);
  });

  test("an answer that is none is our error, and a state of the future has not ended", () => {
    expect(() => toExecution({}, "")).toThrow(expect.objectContaining({ code: "INTERNAL" }) as Error);
    const name = "projects/p/locations/l/workflows/w/executions/e";
    expect(() => toExecution({ name, state: "SUCCEEDED", result: "{" }, "")).toThrow(/no JSON/);
    const future = toExecution(
      { name, state: 99, startTime: { seconds: "9007199254740993" } },
      "2026-01-01T00:00:00Z",
    );
    expect(future).toEqual({
      id: "e",
      workflow: "w",
      state: "UNAVAILABLE",
      startedAt: "2026-01-01T00:00:00Z",
    });
  });

  test("calls are counted: one list and one create for a start", async () => {
    const counted: string[] = [];
    const { executions } = await platform({ count: (method) => void counted.push(method) });
    await executions.start(ECHO);
    expect(counted).toEqual(["ListExecutions", "CreateExecution"]);
  });
});
