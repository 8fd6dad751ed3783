// The data service on RayJobs, while the API server does not take its token, or does not let it yet; and with a job that comes late.
import { expect, onTestFinished, test } from "vitest";
import { createData } from "../../services/data/data.ts";
import { createCluster } from "../../shared/adapters/kubernetes/cluster.ts";
import {
  CLOCKS_APART_MS_MAX,
  run,
  type RunInput,
  SUBMISSION_LATE_MS_MAX,
  submissionIdOf,
} from "../../shared/domain/run.ts";
import type { Executions } from "../../shared/ports/executions.ts";
import { load } from "../../shared/runtime/record.ts";
import { fakeWorld, makeNamespace } from "../support/kubernetes/world.ts";
import { createWorld } from "../support/world.ts";

const RUN = "teams/default/runs/catalogue";
/** Refusals before it is let in. */
const REFUSALS = 5;
const MINUTES_MAX = 30;

async function requested() {
  const kubernetes = await fakeWorld();
  const executions: Executions = {
    start: async ({ workflow }) => ({ id: "e1", workflow, state: "ACTIVE", startedAt: "" }),
    get: async () => undefined,
    cancel: async () => undefined,
    find: async () => [],
  };
  const world = createWorld({
    services: (ports) => {
      const template = { namespace: "runs", rayClusterSpec: {} };
      const cluster = createCluster({
        client: kubernetes.client(),
        clock: ports.clock,
        address: "the cluster",
        template,
      });
      return [createData({ ...ports, executions, cluster, api: () => "http://api" })];
    },
  });
  onTestFinished(async () => {
    await world.close();
    await kubernetes.close();
  });
  await makeNamespace(kubernetes.client(), "runs");
  const cluster = createCluster({
    client: kubernetes.client(),
    clock: world.clock,
    address: "the cluster",
    template: { namespace: "runs", rayClusterSpec: {} },
  });
  const tell = async (cause: string, input: RunInput): Promise<void> => {
    await world.record(run, { stream: RUN, cause, input });
    await world.settle();
  };
  await tell("ask", {
    kind: "request",
    run: RUN,
    request: {
      entrypoint: "python process.py",
      runtimeEnvironment: {},
      inputs: [],
      outputUri: "gs://out/run",
      timeLimitSeconds: 86_400,
    },
    deadline: new Date(world.clock.now().getTime() + 86_400_000).toISOString(),
  });
  const { state } = await load(world.ledger, run, RUN);
  if (state.phase === "absent") throw new Error("nobody asked for the run");
  const submissionId = submissionIdOf(RUN, state.requestedAt);
  const { entrypoint } = state.request;
  const submit = () =>
    cluster.submit({ submissionId, entrypoint, runtimeEnvironment: {}, metadata: { run: RUN } });
  return { world, kubernetes, cluster, submissionId, tell, submit };
}

async function running() {
  const started = await requested();
  await started.submit();
  return started;
}

test.each([
  [401, "Unauthorized"],
  [403, "Forbidden"],
])("a stop that is answered %i for minutes is no dead letter, and the job ends", async (http, reason) => {
  const { world, kubernetes, cluster, submissionId, tell } = await running();
  const body = JSON.stringify({ kind: "Status", reason, message: "no" });
  const asked = () => kubernetes.fake.requests.filter((line) => line.includes("/rayjobs/")).length;
  const before = asked();
  kubernetes.fake.fail(...Array.from({ length: REFUSALS }, () => ({ http, body })));
  await tell("cancel", { kind: "cancel", run: RUN, reason: "nobody needs it" });
  expect(asked() - before).toBe(1);
  for (let minute = 0; minute < MINUTES_MAX && asked() - before <= REFUSALS; minute++) {
    expect((await world.deadLetters.list(10)).letters).toEqual([]);
    await world.advance(60_000);
  }
  // Read and patched, after all the refusals, and then left alone.
  expect(asked() - before).toBe(REFUSALS + 2);
  expect((await cluster.status(submissionId)).state).toBe("STOPPED");
  expect((await world.deadLetters.list(10)).letters).toEqual([]);
});

test("a job that arrives after its run was cancelled and stopped is stopped all the same", async () => {
  const { world, cluster, submissionId, tell, submit } = await requested();
  await tell("claim", { kind: "claim", run: RUN, execution: "e1" });
  await tell("cancel", { kind: "cancel", run: RUN, reason: "nobody needs it" });
  // Its request was given up by the workflow long ago.
  await submit();
  expect((await cluster.status(submissionId)).state).not.toBe("STOPPED");
  await world.advance(SUBMISSION_LATE_MS_MAX);
  expect((await cluster.status(submissionId)).state).toBe("STOPPED");
});

test("a job that arrives after it was stopped twice, because a host's clock was ahead, is stopped all the same", async () => {
  const { world, cluster, submissionId, tell, submit } = await requested();
  await tell("cancel", { kind: "cancel", run: RUN, reason: "nobody needs it" });
  await world.advance(SUBMISSION_LATE_MS_MAX);
  await submit();
  await world.advance(CLOCKS_APART_MS_MAX);
  expect((await cluster.status(submissionId)).state).toBe("STOPPED");
});
