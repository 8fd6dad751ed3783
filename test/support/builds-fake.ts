// A fake of the builds port: builds end when and as the test says. What it is told to start is kept, so that doubles show.
import { createHash } from "node:crypto";
import type { BuildResult, Builds, BuildSpec, BuildStatus } from "../../shared/ports/builds.ts";

/** The fake, with what a test may ask and say. */
export interface BuildsFake extends Builds {
  /** Every start of a new build, in order. */
  readonly started: readonly { readonly id: string; readonly spec: BuildSpec }[];
  /** Ends every running build of a kind as `result` says. */
  end(kind: BuildSpec["kind"], result?: (spec: BuildSpec) => BuildResult): void;
}

const NO_COUNTS = { create: 0, update: 0, replace: 0, delete: 0, read: 0 };

/** A plan that creates one resource; its digest is made from the stack's files, as a real one's would follow from them. */
export function planned(
  spec: BuildSpec,
  change: Partial<Extract<BuildResult, { state: "planned" }>> = {},
): BuildResult {
  const digest = createHash("sha256").update(spec.closureDigest).digest("hex");
  return {
    state: "planned",
    digest: `plan-sha256:test:${digest}`,
    planBlob: `sha256:${digest}`,
    canonicalBlob: `sha256:${digest}`,
    stateSerial: 1,
    terraformVersion: "1.11.4",
    counts: { ...NO_COUNTS, create: 1 },
    changes: [{ address: "terraform_data.a", action: "create", details: [] }],
    changesTruncated: false,
    outputsChanged: [],
    durationMs: 5,
    ...change,
  };
}

/** An apply that worked. */
export function applied(): BuildResult {
  return {
    state: "applied",
    outputs: [],
    stateSerial: 2,
    counts: { ...NO_COUNTS, create: 1 },
    durationMs: 5,
  };
}

/** A failure with a reason. */
export function failed(
  reason: Extract<BuildResult, { state: "failed" }>["reason"],
  resources: readonly string[] = [],
): BuildResult {
  return {
    state: "failed",
    reason,
    message: `${reason} happened`,
    nextStep: "mend it",
    resources,
    problems: [],
  };
}

/** Builds that run until `end`. */
export function createBuildsFake(now: () => Date): BuildsFake {
  const builds = new Map<string, { spec: BuildSpec; status: BuildStatus }>();
  const started: { id: string; spec: BuildSpec }[] = [];
  return {
    started,
    async start(id, spec) {
      if (builds.has(id)) return;
      builds.set(id, { spec, status: { state: "running", startedAt: now().toISOString() } });
      started.push({ id, spec });
    },
    status: async (id) => builds.get(id)?.status ?? { state: "unknown" },
    logs: async () => ({ text: "", next: 0, complete: true }),
    cancel: async () => {},
    end(kind, result = kind === "plan" ? planned : applied) {
      for (const build of builds.values()) {
        if (build.spec.kind !== kind || build.status.state !== "running") continue;
        build.status = { state: "done", result: result(build.spec), finishedAt: now().toISOString() };
      }
    },
  };
}
