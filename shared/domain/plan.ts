// Decider of one plan: requested → planning → ready (approved or not) → superseded, or failed. One stream a plan.
import type { Decider } from "./decider.ts";
import { happens, ignored } from "./decider.ts";
import { ControlPlaneError, failedPrecondition, invalidArgument } from "./errors.ts";
import type { FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";

type PlanFactType =
  | "plan.requested"
  | "plan.started"
  | "plan.finished"
  | "plan.failed"
  | "plan.approved"
  | "plan.approval-revoked"
  | "plan.superseded";

/** A plan as it stands. */
export interface PlanState {
  readonly phase: "absent" | "requested" | "planning" | "ready" | "failed" | "superseded";
  readonly request?: FactData<"plan.requested">;
  readonly build?: string;
  readonly finished?: FactData<"plan.finished">;
  /** RFC 3339: nobody can have read the plan before. */
  readonly finishedAt?: string;
  readonly failure?: FactData<"plan.failed">;
  readonly approvals: readonly FactData<"plan.approved">[];
  readonly supersededBy?: string;
}

/** Who approves, and what they say the plan is. */
export interface Approval {
  readonly kind: "approve";
  readonly digest: string;
  readonly approver: string;
  readonly codeHostLogins: readonly string[];
  /** The review that the approval is, and when it was given. */
  readonly review?: { readonly id: string; readonly submittedAt: string };
}

/** What can happen to a plan. */
export type PlanInput =
  | { readonly kind: "request"; readonly request: FactData<"plan.requested"> }
  | { readonly kind: "start"; readonly build: string }
  | {
      readonly kind: "finish";
      readonly finished: Omit<FactData<"plan.finished">, "approvalsRequired" | "approvalReason">;
      /** The reviewed plan that this one repeats after the merge: its digest, and whether it may proceed. */
      readonly reviewed?: { readonly digest: string; readonly approved: boolean };
    }
  | { readonly kind: "fail"; readonly failure: FactData<"plan.failed"> }
  | Approval
  | { readonly kind: "withdraw"; readonly codeHostLogin: string; readonly reason: string }
  | { readonly kind: "supersede"; readonly by: string; readonly reason: string };

const initial: PlanState = { phase: "absent", approvals: [] };

/** Whether nobody's word is missing any more. */
export function isApproved(state: PlanState): boolean {
  return state.phase === "ready" && state.approvals.length >= (state.finished?.approvalsRequired ?? 0);
}

/** How many approvals a finished plan needs under its policy, and why (DESIGN: deletes and replaces always wait). */
export function approvalsFor(
  request: FactData<"plan.requested">,
  counts: FactData<"plan.finished">["counts"],
  outputsChanged: number,
): { readonly required: number; readonly reason: string } {
  const { approvals, approveAlways } = request.settings;
  const changes = counts.create + counts.update + counts.replace + counts.delete + outputsChanged;
  if (changes === 0) return { required: 0, reason: "nothing changes" };
  if (request.newStack)
    return { required: Math.max(1, approvals), reason: "the stack is new on this branch" };
  if (approvals === 0) return { required: 0, reason: "the policy asks for no approvals" };
  if (counts.delete + counts.replace > 0)
    return { required: approvals, reason: "it deletes or replaces resources" };
  if (approveAlways) return { required: approvals, reason: "the policy asks for approval of every change" };
  return { required: 0, reason: "it deletes and replaces nothing" };
}

function againReason(reviewed: { readonly digest: string } | undefined, digest: string): string {
  if (reviewed === undefined) return "it was merged without a finished plan";
  return reviewed.digest === digest
    ? "the plan that it repeats was never approved"
    : "it differs from the plan that was reviewed";
}

function finish(state: PlanState, input: Extract<PlanInput, { kind: "finish" }>) {
  if (state.phase !== "planning" || state.request === undefined)
    return ignored(`the plan is ${state.phase}, not planning`);
  const { counts, outputsChanged, digest } = input.finished;
  const policy = approvalsFor(state.request, counts, outputsChanged.length);
  const { reviewed } = input;
  let { required, reason } = policy;
  const again = state.request.phase === "merge" && reason !== "nothing changes";
  // A merge queue's plan repeats the reviewed one as well, before the merge.
  const repeated = again || (state.request.repeats !== undefined && required > 0);
  if (repeated && reviewed?.digest === digest && reviewed.approved) {
    required = 0;
    reason = "it means the same as the plan that was approved";
  } else if (again) {
    required = Math.max(1, required);
    reason = againReason(reviewed, digest);
  }
  return happens([
    {
      type: "plan.finished",
      data: { ...input.finished, approvalsRequired: required, approvalReason: reason },
    },
  ]);
}

function approve(state: PlanState, input: Approval) {
  if (state.phase !== "ready" || state.finished === undefined || state.request === undefined) {
    throw failedPrecondition(
      "PLAN_NOT_READY",
      `The plan is ${state.phase}: only a finished plan that is not superseded can be approved. Look at the latest plan of the stack.`,
    );
  }
  if (input.digest !== state.finished.digest) {
    throw invalidArgument(
      "digest",
      `digest is not the digest of this plan, which is ${state.finished.digest}: read the plan again and approve what it says now.`,
      "DIGEST_MISMATCH",
    );
  }
  if (
    input.review !== undefined &&
    !(Date.parse(input.review.submittedAt) >= Date.parse(state.finishedAt ?? ""))
  )
    return ignored("the review was given before the plan could be read");
  const [login] = input.codeHostLogins;
  if (login === undefined) {
    throw failedPrecondition(
      "APPROVER_WITHOUT_LOGIN",
      `${input.approver} has no code host login in principals.json, so nobody can tell whether they wrote the change: add codeHostLogins.`,
    );
  }
  const authors = new Set(state.request.authors.map((author) => author.toLowerCase()));
  const own = input.codeHostLogins.some((each) => authors.has(each.toLowerCase()));
  if (own && !state.request.settings.selfApproval) {
    throw new ControlPlaneError(
      "PERMISSION_DENIED",
      `${input.approver} wrote part of this change and may not approve it: ask someone else (or set selfApproval on the base branch).`,
      { reason: "SELF_APPROVAL" },
    );
  }
  if (state.approvals.some((approval) => isSamePerson(approval, input))) {
    return ignored(`${input.approver} has approved this plan already`);
  }
  const { digest, approver, review } = input;
  return happens([
    {
      type: "plan.approved",
      data: {
        digest,
        approver,
        codeHostLogin: login,
        selfApproved: own,
        ...(input.codeHostLogins.length > 1 ? { codeHostLogins: [...input.codeHostLogins] } : {}),
        ...(review === undefined ? {} : { review: review.id }),
      },
    },
  ]);
}

/** A person may approve here and on the code host: that is one approval. */
function isSamePerson(given: FactData<"plan.approved">, { approver, codeHostLogins }: Approval): boolean {
  const known = new Set(
    [given.codeHostLogin, ...(given.codeHostLogins ?? [])].map((each) => each.toLowerCase()),
  );
  return given.approver === approver || codeHostLogins.some((each) => known.has(each.toLowerCase()));
}

const isReviewOf = ({ review, codeHostLogin }: FactData<"plan.approved">, login: string): boolean =>
  review !== undefined && codeHostLogin.toLowerCase() === login.toLowerCase();

function decide(state: PlanState, input: PlanInput) {
  switch (input.kind) {
    case "request":
      return state.phase === "absent"
        ? happens<PlanFactType>([{ type: "plan.requested", data: input.request }])
        : ignored("the plan was requested already");
    case "start":
      return state.phase === "requested"
        ? happens<PlanFactType>([{ type: "plan.started", data: { build: input.build } }])
        : ignored(`the plan is ${state.phase}, not requested`);
    case "finish":
      return finish(state, input);
    case "fail":
      return state.phase === "requested" || state.phase === "planning"
        ? happens<PlanFactType>([{ type: "plan.failed", data: input.failure }])
        : ignored(`the plan is ${state.phase}, not running`);
    case "approve":
      return approve(state, input);
    case "withdraw": {
      const { codeHostLogin, reason } = input;
      return state.approvals.some((each) => isReviewOf(each, codeHostLogin))
        ? happens<PlanFactType>([{ type: "plan.approval-revoked", data: { codeHostLogin, reason } }])
        : ignored(`no review of ${codeHostLogin} approves this plan`);
    }
    case "supersede":
      // A late message about the pull request must not take away what the merge's apply waits for.
      if (state.request?.phase === "merge") return ignored("the plan belongs to a merge's apply");
      return state.phase === "absent" || state.phase === "superseded"
        ? ignored(`the plan is ${state.phase}`)
        : happens<PlanFactType>([{ type: "plan.superseded", data: { by: input.by, reason: input.reason } }]);
  }
}

function evolve(state: PlanState, fact: FactOf<PlanFactType>): PlanState {
  switch (fact.type) {
    case "plan.requested":
      return { ...state, phase: "requested", request: fact.data };
    case "plan.started":
      return { ...state, phase: "planning", build: fact.data.build };
    case "plan.finished":
      return { ...state, phase: "ready", finished: fact.data, finishedAt: fact.time };
    case "plan.failed":
      return { ...state, phase: "failed", failure: fact.data };
    case "plan.approved":
      return { ...state, approvals: [...state.approvals, fact.data] };
    case "plan.approval-revoked": {
      const { codeHostLogin } = fact.data;
      return { ...state, approvals: state.approvals.filter((each) => !isReviewOf(each, codeHostLogin)) };
    }
    case "plan.superseded":
      return { ...state, phase: "superseded", supersededBy: fact.data.by };
  }
}

/** The rule of one plan. */
export const plan: Decider<PlanState, PlanInput, PlanFactType> = { initial, decide, evolve };
