// The whole path on a real Ray head. Skipped aloud when there is none.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rayEnvironment, type RayHead, startRay } from "../../scripts/ray.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { itBehavesLikeCluster } from "../contracts/cluster.ts";
import { createRunWorld } from "../workflows/data-run-world.ts";

const folder = resolve(".signalbox", "ray");
const given = process.env["SIGNALBOX_RAY_ADDRESS"];
const hasRay = given !== undefined || existsSync(join(rayEnvironment(folder), "signalbox-release"));
const JOB_MS = 60_000;

let started: RayHead | undefined;
let head: { readonly address: string; readonly token?: string } = { address: given ?? "" };

if (!hasRay) {
  console.warn(
    "SKIPPED test/e2e/ray.test.ts: no Ray. Run `node scripts/launch.mjs scripts/ray.ts` once, or set SIGNALBOX_RAY_ADDRESS.",
  );
}

describe.skipIf(!hasRay)("a real Ray head", { timeout: 2 * JOB_MS }, () => {
  beforeAll(async () => {
    const token = process.env["SIGNALBOX_RAY_TOKEN"];
    if (given === undefined) head = started = await startRay(folder);
    else if (token !== undefined) head = { address: given, token };
  }, 120_000);
  afterAll(async () => started?.stop(), 60_000);

  itBehavesLikeCluster("a real head", async () => ({
    cluster: createCluster(head),
    entrypoints: {
      succeed: "python -c \"print('done')\"",
      fail: "python -c \"raise SystemExit('no such column')\"",
      hang: "sleep 600",
    },
    waitMs: JOB_MS,
  }));

  it("lets nobody in without its token", async () => {
    if (started === undefined) return expect(given).toBeDefined();
    await expect(createCluster({ address: head.address }).status("x")).rejects.toMatchObject({
      reason: "RAY_UNAUTHORIZED",
    });
  });

  it("processes the product catalogue into a dataset version, and again into the same content", async () => {
    const world = await createRunWorld({ head });
    const catalogue = join(world.folder, "catalogue.csv");
    execFileSync("python3", ["examples/platform/data/make_catalogue.py", catalogue, "1000"]);
    const digest = `sha256:${createHash("sha256").update(readFileSync(catalogue)).digest("hex")}`;
    for (const id of ["one", "two"]) {
      const output = join(world.folder, `runs-${id}`);
      const answer = await world.as.engineer("POST", `/v1/runs?runId=${id}`, {
        entrypoint: `python ${resolve("examples/platform/data/process_catalogue.py")}`,
        runtimeEnvironment: { env_vars: { INPUT_CSV: catalogue, OUTPUT_FOLDER: output } },
        inputs: [{ uri: pathToFileURL(catalogue).href, digest }],
        outputUri: pathToFileURL(output).href,
        dataset: "teams/default/datasets/products",
        commit: "c0ffee",
        timeLimitSeconds: 300,
      });
      expect(answer.status).toBe(200);
      await world.settle();
      await world.launch(id === "one" ? "execution-1" : "execution-2");
      await world.settle();
      expect((await world.facts(`teams/default/runs/${id}`)).at(-1)).toMatchObject({ type: "run.finished" });
    }
    const versions = await world.views.list({ collection: "datasetVersions", limit: 10 });
    expect(versions.map(({ document }) => document)).toMatchObject([
      { run: "teams/default/runs/one", rows: expect.any(Number) },
      { run: "teams/default/runs/two", sameContentAs: "teams/default/datasets/products/versions/1" },
    ]);
    const rows = Number(versions[0]?.document["rows"]);
    expect(rows).toBeGreaterThan(600);
    expect(rows).toBeLessThan(1_000);
    const [header, first] = readFileSync(join(world.folder, "runs-one", "products.csv"), "utf8").split("\n");
    expect(header).toBe(
      "uniq_id,product_name,description,brand,image,attributes,c0_name,c1_name,c2_name,c3_name",
    );
    expect(first).toMatch(/""Colour""/);
    const log = await world.as.viewer("GET", "/v1/teams/default/runs/one:logs");
    expect(log.body).toContain(`kept ${rows} of 1000 rows in 5 chunks`);
  });
});
