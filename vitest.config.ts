import { join } from "node:path";
import { defineConfig } from "vitest/config";
import type { TestSequencerConstructor } from "vitest/node";
import { Order } from "./test/support/order.ts";

// Hundreds of processes of a run load the same programs: Node keeps what it compiled for the next of them, by content.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, ".signalbox", "compiled");

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    exclude: ["dist/**", "node_modules/**", ".signalbox/**"],
    globalSetup: ["test/support/kubernetes/shared.ts"],
    sequence: { sequencer: Order as unknown as TestSequencerConstructor },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than CI has cores: the longest files spend a third of their time waiting.
    maxWorkers: 3,
  },
});
