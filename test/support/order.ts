// The order in which a run of all tests takes the files: the longest first, so that none begins when the others are done. What was
// measured on this machine is known to vitest; in a fresh clone nothing is, and the size of a file does not tell how long it takes.
import { relative } from "node:path";
import { BaseSequencer, type TestSequencer, type TestSpecification, type Vitest } from "vitest/node";
import { ROOT } from "./source-files.ts";

/** The files that took 15 seconds or more of a run of all (2 cores, 27 November 2026), the longest first. */
export const LONGEST: readonly string[] = [
  "test/simulation/simulation.test.ts",
  "test/e2e/emulated.test.ts",
  "test/e2e/edge-on-google.test.ts",
  "test/e2e/cold-target.test.ts",
  "test/terraform/roots.test.ts",
  "test/simulation/mutants.test.ts",
  "test/e2e/kill-nine.test.ts",
  "test/e2e/ray.test.ts",
  "test/adapters/local-builds-ends.test.ts",
  "test/simulation/crashes.test.ts",
  "test/e2e/package-installed.test.ts",
  "test/adapters/google/firestore-restart.test.ts",
  "test/attacks/repository.test.ts",
  "test/attacks/secrets.test.ts",
  "test/e2e/backup.test.ts",
  "test/e2e/bad-terraform.test.ts",
  "test/e2e/emulated-stop.test.ts",
  "test/adapters/local-builds.test.ts",
  "test/e2e/stop.test.ts",
  "test/e2e/bad-models.test.ts",
  "test/attacks/floods.test.ts",
  "test/e2e/rollback-survives.test.ts",
  "test/adapters/google/builds.test.ts",
  "test/e2e/services-alone.test.ts",
  "test/e2e/package-image.test.ts",
  "test/adapters/kubernetes/traffic.test.ts",
  "test/adapters/google/artifact-digests.test.ts",
  "test/services/registry-on-google.test.ts",
];

/** Sorts paths: the longest in their order, the others as they came. */
export function longestFirst(paths: readonly string[]): readonly string[] {
  const rank = (path: string): number => {
    const place = LONGEST.indexOf(relative(ROOT, path).replaceAll("\\", "/"));
    return place === -1 ? LONGEST.length : place;
  };
  return paths.toSorted((one, other) => rank(one) - rank(other));
}

/** What vitest makes with `new`: its own order, with the longest files before the others. */
export function Order(context: Vitest): TestSequencer {
  const usual = new BaseSequencer(context);
  return {
    shard: (files) => usual.shard(files),
    async sort(files) {
      const sorted = await usual.sort(files);
      const byPath = new Map<string, TestSpecification>(sorted.map((file) => [file.moduleId, file]));
      return longestFirst([...byPath.keys()]).flatMap((path) => byPath.get(path) ?? []);
    },
  };
}
