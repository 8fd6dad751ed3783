// The dataset that version 2 was trained on: made by a Ray run, or declared where there is no Ray.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type Stage, TourError } from "./stage.ts";

/** The dataset of the tour. */
export const DATASET = "teams/default/datasets/products";
const RUN = "process-catalogue";
const ROWS = 2_000;
const TIME_LIMIT_SECONDS = 300;
const RUN_MS = 120_000;

const ENDED = new Set(["FINISHED", "FAILED", "CANCELLED", "TIMED_OUT", "LOST"]);

/** Without Ray: the dataset is named by the version that was trained on it, and lineage says that no run is known. */
export async function declareDataset(stage: Stage): Promise<string> {
  stage.narrator.say("There is no Ray here, so the training data are declared.");
  stage.narrator.detail(
    "`npm start -- --with-ray --tour` makes them with a real Ray run (Python 3.10 or newer).",
  );
  return `${DATASET}/versions/1`;
}

/** With Ray: a data run processes the product catalogue, and its output becomes version 1 of the dataset. */
export async function processCatalogue(stage: Stage, commit: string): Promise<string> {
  const { narrator } = stage;
  const folder = join(stage.artifacts, "data");
  await mkdir(folder, { recursive: true });
  const catalogue = join(folder, "catalogue.csv");
  await promisify(execFile)("python3", [
    join(stage.example, "data", "make_catalogue.py"),
    catalogue,
    String(ROWS),
  ]);
  const digest = `sha256:${createHash("sha256")
    .update(await readFile(catalogue))
    .digest("hex")}`;
  const output = join(folder, "runs", RUN);
  const name = `teams/default/runs/${RUN}`;
  await stage.post(
    `/v1/runs?runId=${RUN}`,
    {
      entrypoint: `python ${join(stage.example, "data", "process_catalogue.py")}`,
      runtimeEnvironment: { env_vars: { INPUT_CSV: catalogue, OUTPUT_FOLDER: output } },
      inputs: [{ uri: pathToFileURL(catalogue).href, digest }],
      outputUri: pathToFileURL(output).href,
      dataset: DATASET,
      commit,
      timeLimitSeconds: TIME_LIMIT_SECONDS,
    },
    "ada",
  );
  narrator.say(`A Ray run processes a catalogue of ${ROWS} products on ${stage.ray ?? ""}.`);
  const run = await stage.until(
    "the Ray run ends",
    async () => {
      const found = await stage.find(`/v1/${name}`);
      return found !== undefined && ENDED.has(String(found["state"])) ? found : undefined;
    },
    RUN_MS,
  );
  if (run["state"] !== "FINISHED") throw new TourError(`The Ray run is ${JSON.stringify(run)}`);
  const version = await stage.until("the dataset version is recorded", () =>
    stage.find(`/v1/${DATASET}/versions/1`),
  );
  narrator.say(
    `Its output is dataset version products 1: ${String(version["rows"])} rows, ${String(version["digest"]).slice(0, 24)}…`,
  );
  narrator.figure(
    "Ray run: submitted → dataset version",
    `${(Number(run["durationMs"]) / 1000).toFixed(1)} s`,
  );
  return `${DATASET}/versions/1`;
}
