// Which facts change which documents of the provisioning journey: stacks, plans, applies, open builds, and two indexes.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { Projection } from "../../shared/runtime/project.ts";
import { pullRequestPuts } from "./view-of-pull-requests.ts";

type Read = (collection: string, key: string) => Promise<ViewDocument | undefined>;

const put = (collection: string, key: string, document: ViewDocument | null): ViewPut => ({
  collection,
  key,
  document,
});

/** Builds that have not reported yet: what the reconciler asks about after a restart. */
const open = (build: string, document: ViewDocument | null) => put("openBuilds", build, document);

/** Applies that wait for their turn, for a dependency or for an approval. */
const waiting = (apply: string, document: ViewDocument | null) => put("waitingApplies", apply, document);

/** Key under which the newest plan of exactly this content is found at the merge, whoever merged it and how. */
export function closurePlanKey(
  repository: string,
  stack: string,
  closureDigest: string,
  configDigest: string,
): string {
  return `${repository}/${stack}@${closureDigest}+${configDigest}`;
}

/** An entry of an index of plans; the newest stays, in whatever order facts of different plans arrive. */
async function newestPlan(
  read: Read,
  collection: string,
  key: string,
  entry: { readonly plan: string; readonly time: string },
): Promise<readonly ViewPut[]> {
  const known = (await read(collection, key)) as typeof entry | undefined;
  return known !== undefined && known.time > entry.time ? [] : [put(collection, key, { ...entry })];
}

async function planPuts(fact: AnyFact, read: Read): Promise<readonly ViewPut[]> {
  const key = fact.subject;
  const before = (await read("plans", key)) ?? { name: key, createTime: fact.time };
  const plan = (change: ViewDocument) => put("plans", key, { ...before, ...change, updateTime: fact.time });
  switch (fact.type) {
    case "plan.requested": {
      const { stack, repository, pullRequest, closureDigest, settings, ...rest } = fact.data;
      const index = { plan: key, time: fact.time };
      const closureKey = closurePlanKey(repository, stack, closureDigest, settings.configDigest);
      return [
        plan({ state: "REQUESTED", stack, repository, pullRequest, closureDigest, ...rest, approvals: [] }),
        put("waitingPlans", key, { since: fact.time }),
        ...(await newestPlan(read, "plansByClosure", closureKey, index)),
        ...(await pullRequestPuts(fact, before, read)),
      ];
    }
    case "plan.started":
      return [
        put("waitingPlans", key, null),
        plan({ state: "PLANNING", build: fact.data.build }),
        open(fact.data.build, { kind: "plan", plan: key, since: fact.time }),
      ];
    case "plan.finished":
      return [
        plan({ ...fact.data, state: fact.data.approvalsRequired > 0 ? "WAITING_FOR_APPROVAL" : "READY" }),
        open(fact.data.build, null),
      ];
    case "plan.failed":
      return [
        put("waitingPlans", key, null),
        plan({ state: "FAILED", failure: fact.data }),
        ...(fact.data.build === undefined ? [] : [open(fact.data.build, null)]),
      ];
    case "plan.approved": {
      const approvals = [
        ...((before as { approvals?: unknown[] }).approvals ?? []),
        { ...fact.data, time: fact.time },
      ];
      const { approvalsRequired } = before as { approvalsRequired?: number };
      const state = approvals.length >= (approvalsRequired ?? 0) ? "APPROVED" : "WAITING_FOR_APPROVAL";
      return [plan({ state, approvals })];
    }
    case "plan.approval-revoked": {
      const { approvals: given = [], approvalsRequired = 0 } = before as {
        approvals?: readonly { readonly codeHostLogin?: string; readonly review?: string }[];
        approvalsRequired?: number;
      };
      const login = fact.data.codeHostLogin.toLowerCase();
      const approvals = given.filter(
        (each) => each.review === undefined || each.codeHostLogin?.toLowerCase() !== login,
      );
      const state = approvals.length >= approvalsRequired ? "APPROVED" : "WAITING_FOR_APPROVAL";
      return [plan({ state, approvals })];
    }
    case "plan.superseded":
      return [
        put("waitingPlans", key, null),
        plan({ state: "SUPERSEDED", supersededBy: fact.data.by }),
        ...(await pullRequestPuts(fact, before, read)),
        // Its build is stopped, and nothing that it still reports is recorded: it must not hold a place for ever.
        ...("build" in before ? [open(String(before["build"]), null)] : []),
      ];
    default:
      return [];
  }
}

async function applyPuts(fact: AnyFact, read: Read): Promise<readonly ViewPut[]> {
  if (!("data" in fact) || !("apply" in fact.data)) return [];
  const key = fact.data.apply;
  const before = (await read("applies", key)) ?? { name: key, createTime: fact.time, stack: fact.subject };
  const apply = (change: ViewDocument) =>
    put("applies", key, { ...before, ...change, updateTime: fact.time });
  switch (fact.type) {
    case "apply.requested": {
      const { apply: _, ...rest } = fact.data;
      return [apply({ state: "WAITING", ...rest }), waiting(key, { stack: fact.subject, since: fact.time })];
    }
    case "apply.started":
      return [
        waiting(key, null),
        apply({ state: "RUNNING", plan: fact.data.plan, digest: fact.data.digest, build: fact.data.build }),
        open(fact.data.build, { kind: "apply", stack: fact.subject, apply: key, since: fact.time }),
      ];
    case "apply.finished": {
      const { apply: _, ...rest } = fact.data;
      return [apply({ state: "FINISHED", ...rest }), open(fact.data.build, null)];
    }
    case "apply.failed": {
      const { reason, message, nextStep, build } = fact.data;
      return [
        waiting(key, null),
        apply({
          state: reason === "SUPERSEDED" ? "SUPERSEDED" : "FAILED",
          failure: { reason, message, nextStep },
        }),
        ...(build === undefined ? [] : [open(build, null)]),
      ];
    }
    case "stack.apply-interrupted": {
      const { resources, message, nextStep, build } = fact.data;
      return [
        apply({ state: "INTERRUPTED", failure: { reason: "INTERRUPTED", message, nextStep }, resources }),
        open(build, null),
      ];
    }
    default:
      return [];
  }
}

async function stackPuts(fact: AnyFact, read: Read): Promise<readonly ViewPut[]> {
  const key = fact.subject;
  const before = (await read("stacks", key)) ?? { name: key, createTime: fact.time, state: "CONFIGURED" };
  const stack = (change: ViewDocument) => put("stacks", key, { ...before, ...change, updateTime: fact.time });
  switch (fact.type) {
    case "stack.configured":
      return [stack({ ...fact.data })];
    case "stack.blocked":
      return [stack({ state: "BLOCKED", blocked: { ...fact.data, time: fact.time } })];
    case "stack.unblocked":
      return [stack({ state: "CONFIGURED", blocked: null, interrupted: null })];
    case "stack.apply-interrupted": {
      const { apply, resources, message, nextStep } = fact.data;
      return [stack({ interrupted: { apply, resources, message, nextStep, time: fact.time } })];
    }
    case "apply.requested":
      return [stack({ lastApply: fact.data.apply })];
    case "apply.started":
      return [stack({ state: "APPLYING" })];
    case "apply.finished":
      return [
        stack({
          state: "APPLIED",
          outputs: fact.data.outputs,
          appliedCommit: fact.data.mergeCommit,
          stateSerial: fact.data.stateSerial,
        }),
      ];
    case "apply.failed":
      return fact.data.reason === "SUPERSEDED" ? [] : [stack({ state: "APPLY_FAILED" })];
    default:
      return [];
  }
}

/** Stacks, plans and applies, with the indexes that find them again: one projection, because each collection has one writer. */
const provisioningProjection: Projection = {
  name: "provisioning",
  types: [
    "plan.requested",
    "plan.started",
    "plan.finished",
    "plan.failed",
    "plan.approved",
    "plan.approval-revoked",
    "plan.superseded",
    "stack.configured",
    "stack.blocked",
    "stack.unblocked",
    "stack.apply-interrupted",
    "apply.requested",
    "apply.started",
    "apply.finished",
    "apply.failed",
  ],
  apply: async (fact, read) =>
    fact.type.startsWith("plan.")
      ? planPuts(fact, read)
      : [...(await stackPuts(fact, read)), ...(await applyPuts(fact, read))],
};

/** Every read model that the provisioner keeps. */
export const PROVISIONER_VIEWS: readonly Projection[] = [provisioningProjection];
