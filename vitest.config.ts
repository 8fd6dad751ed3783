import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { Interleaved, SHARING, SHARING_FOLDERS } from "./test/support/order.ts";

// Hundreds of processes of a run load the same programs: Node keeps what it compiled for the next of them, by content.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, ".signalbox", "compiled");

const SHARED = SHARING_FOLDERS.map((folder) => `test/${folder}/**/*.test.ts`);
const EXCLUDED = ["dist/**", "node_modules/**", ".signalbox/**"];

/** Takes every core for itself, and is measured: nothing else runs beside it, and it runs when all else has ended. */
const WHOLE_MACHINE = ["test/simulation/simulation.test.ts"];

const project = (
  test: Pick<
    NonNullable<TestProjectInlineConfiguration["test"]>,
    "name" | "include" | "exclude" | "isolate" | "sequence"
  >,
): TestProjectInlineConfiguration => ({
  test: {
    environment: "node",
    // No library of Google looks for a metadata server, unless a test lets it.
    env: { METADATA_SERVER_DETECTION: "none" },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    unstubEnvs: true,
    ...test,
  },
});

export default defineConfig({
  test: {
    globalSetup: ["test/support/kubernetes/shared.ts"],
    maxWorkers: 2,
    sequence: { sequencer: Interleaved },
    projects: [
      project({ name: SHARING, include: SHARED, exclude: EXCLUDED, isolate: false }),
      project({
        name: "alone",
        include: ["test/**/*.test.ts"],
        exclude: [...EXCLUDED, ...SHARED, ...WHOLE_MACHINE],
      }),
      project({
        name: "whole machine",
        include: WHOLE_MACHINE,
        exclude: EXCLUDED,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
});
