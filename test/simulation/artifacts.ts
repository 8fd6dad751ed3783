// Artifacts by URI in memory: those of trained versions, and the output of each run, which is there once its job has written it.
import { createHash } from "node:crypto";
import { notFound } from "../../shared/domain/errors.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";

/** Where the job of a run writes to. */
export const outputOf = (run: string): string => `file:///runs/${run}`;

/** Artifacts: `trained` has the digests of model versions by URI, `wrote` knows which runs have written. */
export function createSimulatedArtifacts(
  trained: ReadonlyMap<string, string>,
  wrote: (run: string) => boolean,
): Artifacts {
  return {
    async digest(uri) {
      const [, run] = /^file:\/\/\/runs\/(.+)$/.exec(uri) ?? [];
      if (run === undefined) return trained.get(uri) ?? "sha256:unknown";
      if (!wrote(run)) throw notFound(uri, "Let the job write it.");
      return `tree-sha256:${createHash("sha256").update(uri).digest("hex")}`;
    },
    // No file system has this path: it is refused before any disk is read, for which virtual time could not wait.
    path: async () => "\0",
  };
}
