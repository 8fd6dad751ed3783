// Facts about where things come from, written by hand and at random.
import * as fc from "fast-check";
import { type AnyFact, factId, type FactOf } from "../../shared/domain/fact.ts";
import type { FactData, FactType } from "../../shared/domain/facts.ts";
import { parentName } from "../../shared/domain/names.ts";

export const DIGEST = (digit: number) => `sha256:${String(digit).repeat(64).slice(0, 64)}`;
export const MODEL = (version: number) => `teams/default/models/ranker/versions/${version}`;
export const DATASET = (name: string, version = 1) => `teams/default/datasets/${name}/versions/${version}`;
export const RUN = (run: string) => `teams/default/runs/${run}`;

let second = 0;
function fact<T extends FactType>(type: T, subject: string, data: FactData<T>, at = second++): FactOf<T> {
  const time = new Date(Date.UTC(2026, 0, 1) + at * 1_000).toISOString();
  const id = factId(subject, `${type} ${at}`, 0);
  return {
    id,
    type,
    subject,
    version: 1,
    time,
    cause: id,
    correlation: "",
    actor: "ada",
    data,
  };
}

export const modelVersion = (
  version: number,
  more: Partial<FactData<"model-version.created">> = {},
  at?: number,
) =>
  fact(
    "model-version.created",
    parentName(MODEL(version)),
    {
      modelVersion: MODEL(version),
      artifact: { uri: `file:///models/${version}`, digest: DIGEST(version) },
      datasets: [],
      metrics: {},
      ...more,
    },
    at,
  );
export const runRequested = (
  run: string,
  inputs: FactData<"run.requested">["inputs"],
  commit?: string,
  at?: number,
) =>
  fact(
    "run.requested",
    RUN(run),
    {
      entrypoint: "python process.py",
      runtimeEnvironment: {},
      inputs,
      outputUri: `file:///out/${run}`,
      timeLimitSeconds: 60,
      ...(commit === undefined ? {} : { commit }),
    },
    at,
  );
export const datasetVersion = (
  name: string,
  more: Partial<FactData<"dataset-version.created">> = {},
  at?: number,
) =>
  fact(
    "dataset-version.created",
    parentName(DATASET(name)),
    {
      datasetVersion: DATASET(name),
      uri: `file:///out/${name}`,
      digest: DIGEST(name.length),
      inputs: [],
      ...more,
    },
    at,
  );

/** A story: a run made a dataset, a training run learned from it, a model version came out. */
export const story = () => [
  runRequested("catalogue", [{ uri: "file:///raw.csv", digest: DIGEST(7) }], "c0ffee", 1),
  datasetVersion(
    "products",
    { run: RUN("catalogue"), inputs: [`artifacts/${DIGEST(7)}`], commit: "c0ffee" },
    2,
  ),
  modelVersion(2, { trainingRun: "train-2", datasets: [DATASET("products")], commit: "beef" }, 3),
];

export const arbitraryFacts = fc
  .array(
    fc.oneof(
      fc.record({
        kind: fc.constant("run" as const),
        id: fc.integer({ min: 0, max: 4 }),
        reads: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
        bytes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
      }),
      fc.record({
        kind: fc.constant("dataset" as const),
        id: fc.integer({ min: 0, max: 4 }),
        reads: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
        bytes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 1 }),
        by: fc.option(fc.integer({ min: 0, max: 4 })),
      }),
      fc.record({
        kind: fc.constant("model" as const),
        id: fc.integer({ min: 0, max: 4 }),
        reads: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
        bytes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 1 }),
        by: fc.option(fc.integer({ min: 0, max: 4 })),
      }),
    ),
    { maxLength: 12 },
  )
  .map((steps) => {
    const seen = new Set<string>();
    return steps.flatMap((step, at): AnyFact[] => {
      if (seen.has(`${step.kind} ${step.id}`)) return [];
      seen.add(`${step.kind} ${step.id}`);
      const reads = step.reads.map((read) => DATASET(`d${read}`));
      const bytes = step.bytes.map((digit) => `artifacts/${DIGEST(digit)}`);
      if (step.kind === "run") {
        const inputs = [
          ...reads.map((datasetVersion) => ({ datasetVersion })),
          ...step.bytes.map((digit) => ({ uri: `file:///${digit}/${step.id}`, digest: DIGEST(digit) })),
        ];
        return [runRequested(`r${step.id}`, inputs, step.id % 2 === 0 ? "c0ffee" : undefined, at)];
      }
      if (step.kind === "model") {
        const trainingRun =
          step.by === null ? {} : { trainingRun: step.by % 2 === 0 ? `t${step.by}` : RUN(`r${step.by}`) };
        return [modelVersion(step.id, { datasets: reads, ...trainingRun }, at)];
      }
      const run = step.by === null ? {} : { run: RUN(`r${step.by}`) };
      return [
        datasetVersion(`d${step.id}`, { inputs: [...reads, ...bytes], digest: DIGEST(step.id), ...run }, at),
      ];
    });
  });
