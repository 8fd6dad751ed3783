// A plan's request and result with everything that a test does not care about filled in.
import type { FactData } from "../../shared/domain/facts.ts";

/** Settings of a stack with one approval. */
export const SETTINGS: FactData<"plan.requested">["settings"] = {
  directory: "stacks/web",
  varFiles: [],
  watch: [],
  dependsOn: [],
  approvals: 1,
  approveAlways: false,
  selfApproval: false,
  allow: { providers: [], provisioners: [], dataSources: [], modules: [] },
  configDigest: "sha256:config",
};

/** A request for a plan of an existing stack. */
export function planRequest(change: Partial<FactData<"plan.requested">> = {}): FactData<"plan.requested"> {
  return {
    stack: "stacks/web",
    repository: "acme/platform",
    pullRequest: 7,
    phase: "pull-request",
    headCommit: "a".repeat(40),
    baseCommit: "b".repeat(40),
    tree: "c".repeat(40),
    closureDigest: "sha256:closure",
    settings: SETTINGS,
    newStack: false,
    authors: ["ada"],
    ...change,
  };
}

type Counts = FactData<"plan.finished">["counts"];

/** What a finished plan reports, before the policy is applied. */
export function planResult(
  counts: Partial<Counts> = { create: 1 },
  digest = "plan-sha256:k:1",
): Omit<FactData<"plan.finished">, "approvalsRequired" | "approvalReason"> {
  return {
    build: "plan-web-1",
    digest,
    planBlob: "sha256:plan",
    canonicalBlob: "sha256:canonical",
    inputs: {
      closureDigest: "sha256:closure",
      configDigest: "sha256:config",
      terraformVersion: "1.11.4",
      stateSerial: 3,
    },
    counts: { create: 0, update: 0, replace: 0, delete: 0, read: 0, ...counts },
    changes: [],
    changesTruncated: false,
    outputsChanged: [],
    durationMs: 10,
  };
}
