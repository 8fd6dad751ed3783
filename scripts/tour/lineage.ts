// Chapter 5: what trained the version that serves now, and what served when.
import { ENDPOINT } from "./serving.ts";
import { type Answer, type Stage, TourError } from "./stage.ts";

interface ServedVersion {
  readonly modelVersion: string;
  readonly percent: number;
}

/** Asks in one call, tells the chain, and checks that it begins at the expected version. */
export async function askLineage(stage: Stage, version: string, dataset: string | undefined): Promise<void> {
  const { narrator } = stage;
  const expected = `teams/default/models/ranker/versions/${version}`;
  // The views follow the facts: whoever killed a service that keeps one waits until it is back.
  const { lines, elapsed } = await stage.until(`lineage leads from ${expected} to its data`, async () => {
    const started = performance.now();
    const answer = await stage.get(`/v1/${ENDPOINT}:queryLineage`);
    const elapsed = performance.now() - started;
    const lines = describe(answer);
    const leads = dataset === undefined || JSON.stringify(answer).includes(dataset);
    return lines[0]?.includes(expected) === true && leads ? { lines, elapsed } : undefined;
  });
  for (const line of lines) narrator.say(line);
  if (dataset !== undefined) narrator.figure("lineage: one call", `${elapsed.toFixed(0)} ms`);
}

interface LineageOfVersion {
  readonly name: string;
  readonly percent: number;
  readonly text: readonly string[];
}

/** The chains of the answer, one line each. */
function describe(answer: Answer): readonly string[] {
  const versions = (answer["versions"] ?? []) as readonly LineageOfVersion[];
  return versions.flatMap(({ name, percent, text }) => [
    `${name} serves with ${percent} %:`,
    ...text.map((line) => `  ${line}`),
  ]);
}

/** What served at a time before the rollback is still version 2. */
export async function askServingAt(stage: Stage, at: string): Promise<void> {
  const answer = await stage.get(`/v1/${ENDPOINT}:resolveServing?at=${encodeURIComponent(at)}`);
  const versions = answer["versions"] as readonly ServedVersion[];
  if (versions.length !== 1 || versions[0]?.modelVersion.endsWith("/2") !== true) {
    throw new TourError(`At ${at} served ${JSON.stringify(versions)} and not version 2`);
  }
  stage.narrator.say(
    `And what served at ${at.slice(11, 23)}? Still version 2, with ${versions[0].percent} %.`,
  );
}
