import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunWorld } from "./data-run-world.ts";

const RUN = "teams/default/runs/catalogue";
const DIGEST = `sha256:${"a".repeat(64)}`;

async function writeOutput(output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  await writeFile(join(output, "products.csv"), "uniq_id\n1\n2\n");
  await writeFile(join(output, "manifest.json"), JSON.stringify({ rows: 2 }));
}

/** A world in which a run was requested and its execution waits to be launched. */
async function requested(entrypoint = "do job", options: Parameters<typeof createRunWorld>[0] = {}) {
  const world = await createRunWorld({ work: writeOutput, ...options });
  const answer = await world.as.engineer("POST", "/v1/runs?runId=catalogue", {
    entrypoint,
    inputs: [{ uri: "file:///raw/products.csv", digest: DIGEST }],
    outputUri: world.outputUri,
    dataset: "teams/default/datasets/products",
    commit: "c0ffee",
    timeLimitSeconds: 600,
  });
  expect(answer).toMatchObject({ status: 200, body: { name: RUN, state: "REQUESTED" } });
  await world.settle();
  return world;
}

const typesOf = async (world: Awaited<ReturnType<typeof createRunWorld>>, stream = RUN) =>
  (await world.facts(stream)).map(({ type }) => type);

describe("the data-run workflow", () => {
  it("takes a run from request to a dataset version with its lineage", async () => {
    const world = await requested();
    await world.launch("execution-1");
    await world.settle();
    expect(await typesOf(world)).toEqual(["run.requested", "run.claimed", "run.submitted", "run.finished"]);
    const datasetVersion = "teams/default/datasets/products/versions/1";
    expect(world.resultOf("execution-1")).toMatchObject({
      state: "SUCCEEDED",
      result: { state: "FINISHED", datasetVersion },
    });
    expect(await world.views.get("runs", RUN)).toMatchObject({
      name: RUN,
      state: "FINISHED",
      rows: 2,
      datasetVersion,
    });
    expect(await world.views.get("datasetVersions", datasetVersion)).toMatchObject({
      run: RUN,
      rows: 2,
      commit: "c0ffee",
      inputs: [`artifacts/${DIGEST}`],
      digest: expect.stringMatching(/^tree-sha256:/),
    });
    const node = await world.views.get("lineageNodes", datasetVersion);
    expect(Object.keys(node?.["ancestors"] as object)).toEqual([
      RUN,
      `artifacts/${DIGEST}`,
      "commits/c0ffee",
    ]);
    expect(await world.views.list({ collection: "activeRuns", limit: 10 })).toEqual([]);
    expect((await world.deadLetters.list(10)).total).toBe(0);
  });

  it("lets a second execution end as a duplicate, and the job runs once", async () => {
    const world = await requested();
    const second = await world.duplicate("execution-1");
    await Promise.all([world.launch("execution-1"), world.launch(second)]);
    const results = [world.resultOf("execution-1"), world.resultOf(second)].map(
      (execution) => execution?.result,
    );
    expect(results).toContainEqual(expect.objectContaining({ state: "FINISHED" }));
    expect(results).toContainEqual({ duplicateOf: expect.stringMatching(/^execution-/) });
    expect(world.ray.requests.filter((request) => request === "POST /api/jobs/")).toHaveLength(1);
  });

  it("goes on after a crash at any request, and nothing happens twice", async () => {
    const whole = await requested();
    await whole.launch("execution-1");
    const entries = whole.journalOf("execution-1").length;
    expect(entries).toBeGreaterThan(6);
    for (let kept = 1; kept < entries; kept += 3) {
      const world = await requested();
      await world.launch("execution-1");
      // The API answered everything, but the journal lost what came after `kept`: those requests are made again.
      world.journalOf("execution-1").splice(kept);
      await world.launch("execution-1");
      await world.settle();
      expect(await typesOf(world)).toEqual(["run.requested", "run.claimed", "run.submitted", "run.finished"]);
      expect(await typesOf(world, "teams/default/datasets/products")).toEqual(["dataset-version.created"]);
      expect(world.ray.jobs.size).toBe(1);
    }
  });

  it("fails with the end of the log when the job fails", async () => {
    const world = await requested("fail no such column: brand");
    await world.launch("execution-1");
    const failed = (await world.facts(RUN)).at(-1);
    expect(failed).toMatchObject({
      type: "run.failed",
      data: { reason: "JOB_FAILED", message: expect.stringContaining("no such column: brand") },
    });
    expect((await world.as.viewer("GET", `/v1/${RUN}:logs`)).body).toContain("no such column: brand");
  });

  it("fails with the way to get Ray when there is none", async () => {
    const world = await requested("do job", { hasRay: false });
    await world.launch("execution-1");
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.failed",
      data: { reason: "NO_RAY", nextStep: expect.stringContaining("--with-ray") },
    });
  });

  it("fails when the job succeeds without writing its output", async () => {
    const world = await requested("succeed");
    await world.launch("execution-1");
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.failed",
      data: { reason: "OUTPUT_MISSING" },
    });
  });

  it("times out by its timer and stops the job", async () => {
    const world = await requested("hang");
    await world.launch("execution-1");
    await world.settle();
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.timed-out",
      data: { timeLimitSeconds: 600 },
    });
    expect([...world.ray.jobs.values()].map(({ status }) => status)).toEqual(["STOPPED"]);
    expect(world.resultOf("execution-1")?.result).toMatchObject({ state: "TIMED_OUT" });
  });

  it("is cancelled before it is claimed, and then nothing is submitted", async () => {
    const world = await requested();
    expect((await world.as.engineer("POST", `/v1/${RUN}:cancel`, { reason: "enough" })).body).toMatchObject({
      state: "CANCELLED",
    });
    await world.launch("execution-1");
    expect(world.resultOf("execution-1")?.result).toEqual({ state: "cancelled" });
    expect(world.ray.jobs.size).toBe(0);
  });

  it("is cancelled while its job runs, and the job is stopped", async () => {
    const world = await requested("hang");
    const { workflow, engineer } = world.as;
    await workflow("POST", `/v1/${RUN}:claim`, { execution: "e" });
    await workflow("POST", `/v1/${RUN}:submit`, { execution: "e" });
    await engineer("POST", `/v1/${RUN}:cancel`, { reason: "enough" });
    await world.settle();
    expect([...world.ray.jobs.values()].map(({ status }) => status)).toEqual(["STOPPED"]);
    const again = await engineer("POST", `/v1/${RUN}:cancel`, { reason: "really" });
    expect(again).toMatchObject({ status: 200, body: { state: "CANCELLED", reason: "enough" } });
    expect((await workflow("POST", `/v1/${RUN}:poll`, { execution: "e" })).body).toMatchObject({
      next: "end",
      state: "CANCELLED",
    });
  });

  it("is cancelled when someone stops the job in Ray", async () => {
    const world = await requested("hang");
    const { workflow } = world.as;
    await workflow("POST", `/v1/${RUN}:claim`, { execution: "e" });
    await workflow("POST", `/v1/${RUN}:submit`, { execution: "e" });
    await world.cluster.stop([...world.ray.jobs.keys()][0] ?? "");
    await workflow("POST", `/v1/${RUN}:poll`, { execution: "e" });
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.cancelled",
      data: { reason: expect.stringContaining("in Ray") },
    });
  });

  it("is lost when the head was restarted and forgot the job", async () => {
    const world = await requested("hang");
    const { workflow } = world.as;
    await workflow("POST", `/v1/${RUN}:claim`, { execution: "execution-1" });
    await workflow("POST", `/v1/${RUN}:submit`, { execution: "execution-1" });
    world.ray.restart();
    await world.launch("execution-1");
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.lost",
      data: { message: expect.stringContaining("restarted") },
    });
  });

  it("is lost when the head stays silent, not when it is away for a moment", async () => {
    const world = await requested("hang");
    const { workflow } = world.as;
    const call = async (verb: string, lastContact?: unknown) =>
      (
        await workflow("POST", `/v1/${RUN}:${verb}`, {
          execution: "e",
          ...(lastContact === undefined ? {} : { lastContact }),
        })
      ).body as { readonly next: string; readonly lastContact?: string };
    await call("claim");
    const { lastContact } = await call("submit");
    world.ray.away(true);
    await world.advance(50_000);
    expect(await call("poll", lastContact)).toMatchObject({ next: "poll", lastContact });
    world.ray.away(false);
    const { lastContact: fresh } = await call("poll", lastContact);
    expect(fresh).not.toBe(lastContact);
    world.ray.away(true);
    await world.advance(61_000);
    expect(await call("poll", fresh)).toMatchObject({ next: "end", state: "LOST" });
    expect((await world.facts(RUN)).at(-1)).toMatchObject({ type: "run.lost" });
    world.ray.away(false);
    await world.advance(60_000);
    await world.settle();
    expect([...world.ray.jobs.values()].map(({ status }) => status)).toEqual(["STOPPED"]);
  });

  it("is lost when a head that was never reached stays silent", async () => {
    const world = await requested();
    world.ray.away(true);
    await world.launch("execution-1");
    expect(world.resultOf("execution-1")?.result).toMatchObject({ state: "LOST" });
    expect(await typesOf(world)).toEqual(["run.requested", "run.claimed", "run.lost"]);
  });

  it("fails when its workflow died, and the job is stopped", async () => {
    const world = await requested("hang");
    const { workflow } = world.as;
    await workflow("POST", `/v1/${RUN}:claim`, { execution: "execution-1" });
    await workflow("POST", `/v1/${RUN}:submit`, { execution: "execution-1" });
    world.cut(true);
    await world.launch("execution-1");
    expect(world.resultOf("execution-1")?.state).toBe("FAILED");
    await world.reconcile();
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.failed",
      data: { reason: "EXECUTION_FAILED" },
    });
    expect([...world.ray.jobs.values()].map(({ status }) => status)).toEqual(["STOPPED"]);
  });
});

describe("asking for a run", () => {
  it("is the same run when it is asked again, by id or by request id", async () => {
    const world = await requested();
    const body = { entrypoint: "succeed", outputUri: world.outputUri };
    const once = await world.as.engineer("POST", "/v1/runs?requestId=one", body);
    const twice = await world.as.engineer("POST", "/v1/runs?requestId=one", body);
    expect(once.status).toBe(200);
    expect(twice.body).toEqual(once.body);
    const other = await world.as.engineer("POST", "/v1/teams/default/runs?runId=catalogue", body);
    expect(other).toMatchObject({ status: 409, body: { error: { status: "ALREADY_EXISTS" } } });
  });

  it("is refused when the output lies where it could never be read", async () => {
    const world = await requested();
    const answer = await world.as.engineer("POST", "/v1/runs", {
      entrypoint: "succeed",
      outputUri: "file:///etc/out",
    });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        error: {
          details: expect.arrayContaining([expect.objectContaining({ reason: "OUTPUT_NOT_ALLOWED" })]),
        },
      },
    });
  });

  it("needs the role for it, and no person may move a run as its workflow does", async () => {
    const world = await requested();
    expect(
      (await world.as.viewer("POST", "/v1/runs", { entrypoint: "x", outputUri: world.outputUri })).status,
    ).toBe(403);
    expect((await world.as.engineer("POST", `/v1/${RUN}:claim`, { execution: "e" })).status).toBe(403);
  });
});
