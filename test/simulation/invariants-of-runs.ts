// A run ends once, its job with it, and what it made is one version of its dataset.
import { submissionIdOf } from "../../shared/domain/run.ts";
import type { Outside } from "./outside.ts";

const ENDS: ReadonlySet<string> = new Set(["finished", "failed", "cancelled", "timed-out", "lost"]);

/** What is wrong with runs when everything has come to rest. */
export function runProblems({ facts, ray }: Outside): readonly string[] {
  const problems: string[] = [];
  const ends = new Map<string, string>();
  const outputs = new Map<string, string>();
  for (const { type, subject, time, data } of facts) {
    if (type === "dataset-version.created") {
      const { run, datasetVersion } = data as { run?: string; datasetVersion: string };
      if (run === undefined) continue;
      if (outputs.has(run)) problems.push(`${run} made ${outputs.get(run)} and ${datasetVersion}`);
      outputs.set(run, datasetVersion);
      continue;
    }
    const [kind, end = ""] = type.split(".");
    if (kind !== "run") continue;
    const before = ends.get(subject);
    if (before !== undefined) problems.push(`${subject}: ${type} after run.${before}`);
    if (ENDS.has(end)) ends.set(subject, end);
    if (end !== "requested") continue;
    const job = submissionIdOf(subject, time);
    if (ray.runs(job)) problems.push(`the job ${job} runs, and nobody waits for it`);
    if ((ray.begun.get(job) ?? 0) > 1 + ray.restarts())
      problems.push(`the job ${job} was begun more than once`);
  }
  for (const [run, end] of ends)
    if (end === "finished" && !outputs.has(run)) problems.push(`${run} finished and made nothing`);
  return problems;
}
