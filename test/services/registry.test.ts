import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { queryLineage } from "../../services/api/lineage/query.ts";
import { modelVersionRegistered } from "../../services/api/models/register.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { dataset, type DatasetInput } from "../../shared/domain/dataset.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { model } from "../../shared/domain/model.ts";
import type { OutsideData } from "../../shared/domain/outside-events.ts";
import { run } from "../../shared/domain/run.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createWorld } from "../support/world.ts";

type Registration = OutsideData<"dev.signalbox.model-version.registered.v1">;

const ada = { principal: "ada", role: "engineer", codeHostLogins: [] } as const;
const MODEL = "teams/default/models/ranker";
const DATASET = "teams/default/datasets/products";
const RUN = "teams/default/runs/catalogue";
const OTHER = `sha256:${"0".repeat(64)}`;

async function registry(wrap: (artifacts: Artifacts) => Artifacts = (artifacts) => artifacts) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "ranker"));
  writeFileSync(join(folder, "ranker", "weights.json"), "{}");
  const artifacts = createArtifacts({ roots: [folder] });
  const uri = pathToFileURL(join(folder, "ranker")).href;
  const world = createWorld({
    services: (ports) => [createRegistry({ ...ports, artifacts: wrap(artifacts) })],
  });
  onTestFinished(() => world.close());
  let event = 0;
  const register = async (more: Partial<Registration> = {}, cause = `event/${++event}`) => {
    const artifact = { uri, digest: await artifacts.digest(uri) };
    const data: Registration = { model: "ranker", artifact, ...more };
    const type = "dev.signalbox.model-version.registered.v1";
    const answer = await modelVersionRegistered(world)({ type, cause, correlation: "", data }, ada);
    await world.settle();
    return answer;
  };
  const rebuild = () => createProjector(world, REGISTRY_VIEWS).rebuild();
  const all = (collection: string) => world.views.list({ collection, limit: 1_000 });
  return { ...world, folder, uri, register, rebuild, all };
}

describe("registering a model version", () => {
  it("verifies bytes that are what the registration says", async () => {
    const world = await registry();
    const { name, resource } = await world.register({
      endpoint: "teams/default/endpoints/ranker",
      metrics: { auc: 0.9 },
    });
    expect(name).toBe(`${MODEL}/versions/1`);
    expect(resource).toMatchObject({ name, state: "CREATED", metrics: { auc: 0.9 } });
    expect((await world.facts(MODEL)).at(-1)).toMatchObject({
      type: "model-version.verified",
      data: { modelVersion: name, endpoint: "teams/default/endpoints/ranker" },
    });
    expect(await world.views.get("modelVersions", name)).toMatchObject({
      name,
      state: "VERIFIED",
      createdBy: "ada",
    });
    expect(await world.views.get("models", MODEL)).toMatchObject({
      versionCount: 1,
      latestVersion: "1",
      latestVerifiedVersion: "1",
    });
  });

  it("rejects other bytes, missing bytes and bytes that may not be read, each with its reason", async () => {
    const world = await registry();
    await world.register({ version: "a", artifact: { uri: world.uri, digest: OTHER } });
    await world.register({ version: "b", artifact: { uri: `${world.uri}-gone`, digest: OTHER } });
    await world.register({ version: "c", artifact: { uri: "file:///etc/passwd", digest: OTHER } });
    const reasons = (await world.facts(MODEL)).flatMap((fact) =>
      fact.type === "model-version.rejected" ? [[fact.data.modelVersion.at(-1), fact.data.reason]] : [],
    );
    expect(Object.fromEntries(reasons)).toEqual({
      a: "DIGEST_MISMATCH",
      b: "ARTIFACT_MISSING",
      c: "ARTIFACT_NOT_ALLOWED",
    });
    expect(await world.views.get("modelVersions", `${MODEL}/versions/a`)).toMatchObject({
      state: "REJECTED",
      reason: "DIGEST_MISMATCH",
    });
  });

  it("does not start a rejected version again when it is registered again", async () => {
    const world = await registry();
    const artifact = { uri: world.uri, digest: OTHER };
    await world.register({ version: "a", artifact });
    const again = await world.register({ version: "a", artifact });
    expect(again).toMatchObject({
      ignored: expect.stringContaining("rejected"),
      resource: { state: "REJECTED" },
    });
    expect((await world.facts(MODEL)).map(({ type }) => type)).toEqual([
      "model-version.created",
      "model-version.rejected",
    ]);
  });

  it("is the same version for the same event, and refuses other content under its cause", async () => {
    const world = await registry();
    const first = await world.register({}, "event/x");
    expect((await world.register({}, "event/x")).name).toBe(first.name);
    await expect(
      world.register({ artifact: { uri: world.uri, digest: OTHER } }, "event/x"),
    ).rejects.toMatchObject({ code: "ALREADY_EXISTS", reason: "CAUSE_REUSED" });
  });

  it("tries again while the artifact store is down, and decides once", async () => {
    let isDown = true;
    const world = await registry((artifacts) => ({
      ...artifacts,
      digest: async (uri) => {
        if (isDown) throw new ControlPlaneError("UNAVAILABLE", "the store is down", { reason: "DOWN" });
        return artifacts.digest(uri);
      },
    }));
    await world.register();
    expect((await world.facts(MODEL)).map(({ type }) => type)).toEqual(["model-version.created"]);
    isDown = false;
    await world.advance(60_000);
    await world.settle();
    expect((await world.facts(MODEL)).map(({ type }) => type)).toEqual([
      "model-version.created",
      "model-version.verified",
    ]);
  });
});

describe("lineage", () => {
  const serving = async () => ({
    at: "now",
    certain: true,
    versions: [{ modelVersion: `${MODEL}/versions/2`, percent: 100 }],
  });

  async function withStory() {
    const world = await registry();
    await world.register({ version: "1" });
    await world.register({
      version: "2",
      trainingRun: "train-2",
      datasets: [`${DATASET}/versions/1`],
      commit: "beef",
    });
    const request = {
      entrypoint: "python process.py",
      runtimeEnvironment: {},
      inputs: [{ uri: "file:///raw.csv", digest: OTHER }],
      outputUri: "file:///out",
      commit: "c0ffee",
      timeLimitSeconds: 60,
    };
    return { world, request };
  }

  it("says what trained the version that serves, gaps included, and repairs itself when facts come late", async () => {
    const { world, request } = await withStory();
    const ports = { views: world.views, resolveServing: serving };
    const ask = () => queryLineage(ports, { name: "teams/default/endpoints/ranker" });
    expect(await ask()).toMatchObject({
      versions: [
        {
          percent: 100,
          text: [
            "model version ranker 2 ← training run train-2 ← dataset version products 1 ← data run: none recorded ← commit: none recorded",
          ],
        },
      ],
    });
    const made: DatasetInput = {
      kind: "create",
      dataset: DATASET,
      uri: "file:///out",
      digest: OTHER,
      run: RUN,
      inputs: [],
    };
    await world.record(dataset, { stream: DATASET, cause: "made", input: made });
    await world.settle();
    const asked = { kind: "request", run: RUN, request, deadline: "2027-01-01T00:00:00.000Z" } as const;
    await world.record(run, { stream: RUN, cause: "asked", input: asked });
    await world.settle();
    expect(await ask()).toMatchObject({
      versions: [
        {
          text: [
            "model version ranker 2 ← training run train-2 ← dataset version products 1 ← data run catalogue ← commit c0ffee",
          ],
        },
      ],
    });
    const upstream = await queryLineage(ports, { name: `${MODEL}/versions/2`, maxDepth: 2 });
    expect("nodes" in upstream && upstream.nodes.map(({ label }) => label)).toEqual([
      "ranker 2",
      "train-2",
      "beef",
      "products 1",
    ]);
  });

  it("says for a version without any origin that none is recorded", async () => {
    const { world } = await withStory();
    const answer = await queryLineage(
      { views: world.views, resolveServing: serving },
      { name: `${MODEL}/versions/1` },
    );
    expect(answer).toMatchObject({
      text: [
        "model version ranker 1 ← training run: none recorded ← dataset version: none recorded ← data run: none recorded ← commit: none recorded",
      ],
      chains: [
        [
          { step: "modelVersion" },
          { step: "trainingRun", name: null },
          { name: null },
          { step: "dataRun", name: null },
          { name: null },
        ],
      ],
    });
  });

  it("finds what came out of a dataset version, and of one that was only mentioned", async () => {
    const { world } = await withStory();
    const ports = { views: world.views, resolveServing: serving };
    const answer = await queryLineage(ports, { name: `${DATASET}/versions/1`, direction: "downstream" });
    expect("nodes" in answer && answer.nodes.map(({ label, depth }) => [label, depth])).toEqual([
      ["products 1", 0],
      ["train-2", 1],
      ["ranker 2", 2],
      [expect.stringContaining("sha256:"), 3],
    ]);
    await expect(queryLineage(ports, { name: "teams/default/runs/nothing" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await expect(queryLineage(ports, { name: MODEL, maxDepth: 0 })).rejects.toMatchObject({
      field: "maxDepth",
    });
  });

  it("has the same documents after a rebuild", async () => {
    const { world } = await withStory();
    const collections = ["models", "modelVersions", "datasets", "datasetVersions", "lineageNodes"];
    const before = await Promise.all(collections.map(world.all));
    expect(before.flat().length).toBeGreaterThan(8);
    await world.rebuild();
    expect(await Promise.all(collections.map(world.all))).toEqual(before);
  });

  it("never lets a version out of quarantine", async () => {
    const { world } = await withStory();
    const modelVersion = `${MODEL}/versions/1`;
    await world.record(model, {
      stream: MODEL,
      cause: "q",
      input: { kind: "quarantined", modelVersion, reason: "poisoned" },
    });
    await world.settle();
    expect((await world.register({ version: "3" })).name).toBe(`${MODEL}/versions/3`);
    expect(await world.views.get("modelVersions", `${MODEL}/versions/3`)).toMatchObject({
      state: "REJECTED",
      reason: "CONTENT_QUARANTINED",
    });
  });
});
