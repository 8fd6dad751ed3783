// A data run as it is on Google Cloud: the shipped workflow and the real services, with what the settings open: RayJobs through a queue
// of Kueue, on a real API server where there is one, and artifacts in a bucket.
import { randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { openGoogleRuns } from "../../scripts/compose/open-google-runs.ts";
import { MODE_METADATA } from "../../shared/adapters/google/artifact-listing.ts";
import { ARTIFACT_BYTES_HERE_MAX, createCloudArtifacts } from "../../shared/adapters/google/artifacts.ts";
import { createCalls } from "../../shared/adapters/google/calls.ts";
import { createRest } from "../../shared/adapters/google/rest.ts";
import { collectionPath, RAY_JOBS, WORKLOADS } from "../../shared/adapters/kubernetes/objects.ts";
import { QUEUE_LABEL, type RayJobObject } from "../../shared/adapters/kubernetes/ray-job.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { DIGEST_NOT_KNOWN_YET } from "../../shared/ports/artifacts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createRestFront } from "../support/google/rest-front.ts";
import { RUNS_SETTINGS } from "../support/google/runs-settings.ts";
import { createStorageFake } from "../support/google/storage-fake.ts";
import { userName } from "../support/kubernetes/apiserver.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../support/kubernetes/found.ts";
import { startKubeletFake, WORKLOAD_DEFINITION } from "../support/kubernetes/kubelet-fake.ts";
import { startKubeRayFake } from "../support/kubernetes/kuberay-fake.ts";
import { applyManifest } from "../support/kubernetes/manifests.ts";
import { fakeWorld, type KubernetesWorld, makeNamespace, realWorld } from "../support/kubernetes/world.ts";
import { until } from "../support/until.ts";
import { createRunWorld } from "./data-run-world.ts";

const RUN = "teams/default/runs/catalogue";
const BUCKET = "acme-artifacts";
const OUTPUT = `gs://${BUCKET}/catalogue`;
const INPUT = `sha256:${"a".repeat(64)}`;

/** The cluster with its operators, and the bucket. Sleeps of the workflow wait until the operators have looked. */
async function google(kubernetes: KubernetesWorld) {
  const namespace = `runs-${randomBytes(4).toString("hex")}`;
  const node = `node-${namespace}`;
  const admin = kubernetes.client();
  let keepLog = kubernetes.fake?.keepLog ?? (() => undefined);
  if (kubernetes.fake === undefined) {
    const identities = { RUNS_IDENTITY: userName("runs"), DATA_IDENTITY: userName("runs") };
    await applyManifest(admin, "roles.yaml");
    await applyManifest(admin, "runs.yaml", { RUNS_NAMESPACE: namespace, ...identities });
    await admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WORKLOAD_DEFINITION);
    const served = () => admin.list(collectionPath(WORKLOADS, namespace)).then(Boolean, () => undefined);
    await until("workloads to be served", served, KUBERNETES_START_MS);
    const kubelet = await startKubeletFake(admin, node);
    onTestFinished(() => kubelet.stop());
    ({ keepLog } = kubelet);
  } else await makeNamespace(admin, namespace);
  const operators = startKubeRayFake(admin, namespace, keepLog, node);
  onTestFinished(async () => {
    await operators.stop();
    await kubernetes.close();
  });
  const settings = { ...RUNS_SETTINGS, SIGNALBOX_RUNS_NAMESPACE: namespace };
  const jobs = () => admin.list<RayJobObject>(collectionPath(RAY_JOBS, namespace));
  let seen = "";
  const pass = async (): Promise<void> => {
    const stand = async (): Promise<string> =>
      JSON.stringify((await jobs()).map(({ status }) => status ?? {}));
    if (/SUCCEEDED|FAILED/.test(seen)) return;
    seen = await until("the operators to go on", async () => {
      const now = await stand();
      return now === seen ? undefined : now;
    });
  };
  return { cluster: openGoogleRuns(settings, kubernetes.client("runs")), jobs, pass };
}

async function bucket(digestOfLarge: () => Promise<string>) {
  const storage = createStorageFake(BUCKET);
  const front = await createRestFront(storage.fake);
  onTestFinished(() => front.close());
  const rest = createRest({ calls: createCalls({ clock }), accessToken: async () => "t" });
  const place = { rest, roots: [`gs://${BUCKET}`], copies: temporaryFolder(), api: front.url };
  return { storage, artifacts: createCloudArtifacts({ ...place, digestOfLarge }) };
}

function runsOnGoogle(start: () => Promise<KubernetesWorld>): void {
  async function requested(entrypoint: string, digestOfLarge = async () => "unused") {
    const { storage, artifacts } = await bucket(digestOfLarge);
    const { cluster, jobs, pass } = await google(await start());
    const world = await createRunWorld({ elsewhere: { cluster, artifacts, pass } });
    const answer = await world.as.engineer("POST", "/v1/runs?runId=catalogue", {
      entrypoint,
      inputs: [{ uri: `gs://${BUCKET}/raw.csv`, digest: INPUT }],
      outputUri: OUTPUT,
      dataset: "teams/default/datasets/products",
      commit: "c0ffee",
      timeLimitSeconds: 3_600,
    });
    expect(answer).toMatchObject({ status: 200, body: { state: "REQUESTED" } });
    await world.settle();
    const write = (name: string, bytes: Buffer | string) =>
      storage.overwrite(`catalogue/${name}`, Buffer.from(bytes), { metadata: { [MODE_METADATA]: "644" } });
    return { ...world, jobs, write };
  }
  const types = async (world: Awaited<ReturnType<typeof requested>>) =>
    (await world.facts(RUN)).map(({ type }) => type);

  test("a run becomes a RayJob in its queue, its end is seen, and its lineage is known", async () => {
    const world = await requested("succeed");
    world.write("products.csv", "uniq_id\n1\n2\n");
    world.write("manifest.json", JSON.stringify({ rows: 2 }));
    await world.launch("execution-1");
    await world.settle();
    const made = await world.jobs();
    expect(made).toHaveLength(1);
    expect(made[0]?.metadata.labels?.[QUEUE_LABEL]).toBe("runs");
    expect(made[0]?.spec).toMatchObject({
      entrypoint: "succeed",
      metadata: { run: RUN },
      rayClusterSpec: { rayVersion: "2.60.0" },
    });
    expect(await types(world)).toEqual(["run.requested", "run.claimed", "run.submitted", "run.finished"]);
    const datasetVersion = "teams/default/datasets/products/versions/1";
    expect(await world.views.get("datasetVersions", datasetVersion)).toMatchObject({
      run: RUN,
      rows: 2,
      commit: "c0ffee",
      inputs: [`artifacts/${INPUT}`],
      digest: expect.stringMatching(/^tree-sha256:/) as string,
    });
    const node = await world.views.get("lineageNodes", datasetVersion);
    expect(Object.keys(node?.["ancestors"] as object)).toEqual([RUN, `artifacts/${INPUT}`, "commits/c0ffee"]);
    expect((await world.deadLetters.list(10)).total).toBe(0);
  });

  test("an output whose digest takes a build is asked for again until it is known", async () => {
    let asked = 0;
    const digest = `tree-sha256:${"b".repeat(64)}`;
    const world = await requested("succeed", async () => {
      asked += 1;
      if (asked < 3)
        throw new ControlPlaneError("UNAVAILABLE", "It is computed.", { reason: DIGEST_NOT_KNOWN_YET });
      return digest;
    });
    world.write("products.bin", Buffer.alloc(ARTIFACT_BYTES_HERE_MAX + 1));
    world.write("manifest.json", JSON.stringify({ rows: 7 }));
    await world.launch("execution-1");
    await world.settle();
    expect(asked).toBe(3);
    expect((await world.facts(RUN)).at(-1)).toMatchObject({
      type: "run.finished",
      data: { outputDigest: digest, rows: 7 },
    });
  });

  test("a run that is cancelled takes its RayJob with it", async () => {
    const world = await requested("hang");
    for (const step of ["claim", "submit"])
      expect(
        (await world.as.workflow("POST", `/v1/${RUN}:${step}`, { execution: "execution-1" })).status,
      ).toBe(200);
    await until(
      "the job to run",
      async () => (await world.jobs()).some(({ status }) => status?.jobStatus === "RUNNING") || undefined,
    );
    expect((await world.as.engineer("POST", `/v1/${RUN}:cancel`, { reason: "enough" })).status).toBe(200);
    await world.settle();
    expect((await types(world)).at(-1)).toBe("run.cancelled");
    await until(
      "the job to be stopped",
      async () => (await world.jobs()).every(({ spec }) => spec.suspend === true) || undefined,
    );
  });
}

describe("on the fake", () => runsOnGoogle(fakeWorld));
describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}on the real server`, { timeout: 120_000 }, () =>
  runsOnGoogle(realWorld),
);
