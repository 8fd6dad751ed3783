// How a phase of the build ends early: with a reason of the closed list. Never leaves the build program.
import { BUILD_FAILURES } from "../../../shared/domain/build-failure.ts";
import type { BuildFailureReason, BuildResult } from "../../../shared/ports/builds.ts";

/** A problem at a line of a file of the repository. */
export interface BuildProblem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Ends the build with a reason. */
export class BuildRefusal extends Error {
  readonly reason: BuildFailureReason;
  readonly resources: readonly string[];
  readonly problems: readonly BuildProblem[];

  constructor(
    reason: BuildFailureReason,
    message: string,
    more: { readonly resources?: readonly string[]; readonly problems?: readonly BuildProblem[] } = {},
  ) {
    super(message);
    this.name = "BuildRefusal";
    this.reason = reason;
    this.resources = more.resources ?? [];
    this.problems = more.problems ?? [];
  }
}

/** The result that a refusal becomes; `redact` goes over every text of it. */
export function failedResult(refusal: BuildRefusal, redact: (text: string) => string): BuildResult {
  return {
    state: "failed",
    reason: refusal.reason,
    message: redact(refusal.message),
    nextStep: BUILD_FAILURES[refusal.reason].nextStep,
    resources: refusal.resources.map(redact),
    problems: refusal.problems.map((problem) => ({ ...problem, message: redact(problem.message) })),
  };
}
