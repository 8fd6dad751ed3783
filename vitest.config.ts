import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Hundreds of processes of a run load the same programs: Node keeps what it compiled for the next of them, by content.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, ".signalbox", "compiled");

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    exclude: ["dist/**", "node_modules/**", ".signalbox/**"],
    globalSetup: ["test/support/kubernetes/shared.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
