import { describe, expect, it, onTestFinished } from "vitest";
import { createData } from "../../services/data/data.ts";
import { DATA_VIEWS } from "../../services/data/views.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { run, type RunInput, type RunRequest } from "../../shared/domain/run.ts";
import type { Execution, Executions } from "../../shared/ports/executions.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { createWorld } from "../support/world.ts";

const RUN = "teams/default/runs/catalogue";
const request: RunRequest = {
  entrypoint: "python process.py",
  runtimeEnvironment: {},
  inputs: [],
  outputUri: "file:///out",
  dataset: "teams/default/datasets/products",
  timeLimitSeconds: 60,
};
const OUTPUT = { outputDigest: `tree-sha256:${"b".repeat(64)}`, outputUri: "file:///out", durationMs: 5 };

async function data() {
  const started: Execution[] = [];
  let isDown = false;
  const executions: Executions = {
    async start({ workflow }) {
      if (isDown) throw new ControlPlaneError("UNAVAILABLE", "no engine", { reason: "DOWN" });
      started.push({ id: `e${started.length + 1}`, workflow, state: "ACTIVE", startedAt: "" });
      return started.at(-1) as Execution;
    },
    get: async (id) => started.find((execution) => execution.id === id),
    cancel: async () => undefined,
    find: async () => started,
  };
  const world = createWorld({
    services: (ports) => {
      const cluster = createCluster({ address: undefined });
      return [createData({ ...ports, executions, cluster, api: () => "http://api" })];
    },
  });
  onTestFinished(() => world.close());
  const tell = async (cause: string, input: RunInput) => {
    await world.record(run, { stream: RUN, cause, input });
    await world.settle();
  };
  const ask = () =>
    tell("ask", {
      kind: "request",
      run: RUN,
      request,
      deadline: new Date(world.clock.now().getTime() + 60_000).toISOString(),
    });
  const rebuild = () => createProjector(world, DATA_VIEWS).rebuild();
  return { ...world, started, tell, ask, rebuild, down: (down: boolean) => void (isDown = down) };
}

describe("the data service", () => {
  it("starts one workflow for a run, also when the engine was away at first", async () => {
    const world = await data();
    world.down(true);
    await world.ask();
    expect(world.started).toEqual([]);
    world.down(false);
    await world.advance(30_000);
    await world.advance(1);
    expect(world.started).toMatchObject([{ workflow: "data-run" }]);
  });

  it("ends a run that nobody claimed when its time is up", async () => {
    const world = await data();
    await world.ask();
    await world.advance(60_000);
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.timed-out",
      data: { timeLimitSeconds: 60 },
    });
    expect(await world.views.get("runs", RUN)).toMatchObject({ state: "TIMED_OUT" });
  });

  it("keeps the output of a finished run even when nobody asks for it any more", async () => {
    const world = await data();
    await world.ask();
    await world.tell("c", { kind: "claim", run: RUN, execution: "e1" });
    await world.tell("s", {
      kind: "submit",
      run: RUN,
      execution: "e1",
      submissionId: "j",
      address: "http://ray",
    });
    await world.tell("f", { kind: "finish", run: RUN, execution: "e1", result: OUTPUT });
    expect(await world.facts("teams/default/datasets/products")).toMatchObject([
      { type: "dataset-version.created", data: { run: RUN, digest: OUTPUT.outputDigest } },
    ]);
    expect(await world.views.get("runs", RUN)).toMatchObject({
      state: "FINISHED",
      datasetVersion: "teams/default/datasets/products/versions/1",
    });
  });

  it("leaves a run alone while its workflow lives, and ends it once when all of its executions are over", async () => {
    const world = await data();
    await world.ask();
    await world.reconcile();
    expect(await world.views.get("activeRuns", RUN)).toBeDefined();
    world.started[0] = {
      ...(world.started[0] as Execution),
      state: "FAILED",
      error: { payload: "boom", context: "" },
    };
    await world.reconcile();
    await world.reconcile();
    const failures = (await world.facts(RUN)).filter(({ type }) => type === "run.failed");
    expect(failures).toMatchObject([
      { data: { reason: "EXECUTION_FAILED", message: expect.stringContaining("boom") } },
    ]);
    expect(await world.views.get("activeRuns", RUN)).toBeUndefined();
  });

  it("has the same documents after a rebuild", async () => {
    const world = await data();
    await world.ask();
    await world.tell("c", { kind: "claim", run: RUN, execution: "e1" });
    const before = await world.views.list({ collection: "runs", limit: 10 });
    expect(before).toHaveLength(1);
    await world.rebuild();
    expect(await world.views.list({ collection: "runs", limit: 10 })).toEqual(before);
  });
});
