import { describe, expect, test } from "vitest";
import type { FactData } from "../../shared/domain/facts.ts";
import { type PlanInput, type PlanState, isApproved, plan } from "../../shared/domain/plan.ts";
import { factFrom } from "../support/facts.ts";
import { SETTINGS, planRequest, planResult } from "../support/plans.ts";

const DIGEST = "plan-sha256:k:1";

function after(...inputs: readonly PlanInput[]): PlanState {
  let state = plan.initial;
  for (const input of inputs) {
    const decision = plan.decide(state, input);
    if (decision.kind === "facts")
      for (const draft of decision.facts) state = plan.evolve(state, factFrom(draft));
  }
  return state;
}

const requested = (change: Partial<FactData<"plan.requested">> = {}): PlanInput => ({
  kind: "request",
  request: planRequest(change),
});
const started: PlanInput = { kind: "start", build: "plan-web-1" };
const finished = (counts: Parameters<typeof planResult>[0] = { create: 1 }): PlanInput => ({
  kind: "finish",
  finished: planResult(counts),
});
const approves = (approver: string, logins: readonly string[] = [approver], digest = DIGEST): PlanInput => ({
  kind: "approve",
  digest,
  approver,
  codeHostLogins: logins,
});
const approvals = (
  change: Partial<FactData<"plan.requested">>,
  counts: Parameters<typeof planResult>[0],
): number | undefined => after(requested(change), started, finished(counts)).finished?.approvalsRequired;

describe("which plans wait for approval", () => {
  test("a plan that changes nothing does not", () => expect(approvals({ newStack: true }, {})).toBe(0));
  test("a plan that only adds does not", () => expect(approvals({}, { create: 3, update: 1 })).toBe(0));
  test("a plan that deletes does", () => expect(approvals({}, { delete: 1 })).toBe(1));
  test("a plan that replaces does", () => expect(approvals({}, { replace: 1 })).toBe(1));
  test("every plan does when the policy says always", () =>
    expect(approvals({ settings: { ...SETTINGS, approveAlways: true } }, { create: 1 })).toBe(1));
  test("none does when the policy asks for nobody", () =>
    expect(approvals({ settings: { ...SETTINGS, approvals: 0 } }, { delete: 9 })).toBe(0));
  test("a new stack's plan does, whatever it asks for itself", () =>
    expect(approvals({ newStack: true, settings: { ...SETTINGS, approvals: 0 } }, { create: 1 })).toBe(1));
  test("the policy's number of people is asked for", () =>
    expect(approvals({ settings: { ...SETTINGS, approvals: 2 } }, { delete: 1 })).toBe(2));
});

describe("approving", () => {
  const waiting = [requested(), started, finished({ delete: 1 })] as const;

  test("someone else's approval of the digest suffices", () => {
    expect(isApproved(after(...waiting))).toBe(false);
    expect(isApproved(after(...waiting, approves("grace")))).toBe(true);
  });
  test("one person counts once", () => {
    const two = [
      requested({ settings: { ...SETTINGS, approvals: 2 } }),
      started,
      finished({ delete: 1 }),
    ] as const;
    expect(isApproved(after(...two, approves("grace"), approves("grace")))).toBe(false);
    expect(isApproved(after(...two, approves("grace"), approves("edsger")))).toBe(true);
  });
  test("an author may not, in whatever case the login is written", () => {
    expect(() => after(...waiting, approves("grace", ["grace", "ADA"]))).toThrow(/may not approve/);
  });
  test("an author may where the base branch allows it, and the fact says so", () => {
    const own = [
      requested({ settings: { ...SETTINGS, selfApproval: true } }),
      started,
      finished({ delete: 1 }),
    ] as const;
    expect(after(...own, approves("ada")).approvals[0]?.selfApproved).toBe(true);
  });
  test("a person without a code host login may not", () => {
    expect(() => after(...waiting, approves("grace", []))).toThrow(/no code host login/);
  });
  test("another digest is refused", () => {
    expect(() => after(...waiting, approves("grace", ["grace"], "plan-sha256:k:2"))).toThrow(
      /not the digest/,
    );
  });
  test("a late message about the pull request does not supersede the plan of its merge", () => {
    const late: PlanInput = { kind: "supersede", by: "p", reason: "the pull request has changed" };
    expect(after(requested({ phase: "merge" }), started, late).phase).toBe("planning");
    expect(after(requested(), started, late).phase).toBe("superseded");
  });

  test("a plan that is not finished, failed or superseded cannot be approved", () => {
    const failure = { reason: "PLAN_FAILED", message: "m", nextStep: "n" };
    expect(() => after(requested(), approves("grace"))).toThrow(/is requested/);
    expect(() => after(requested(), started, { kind: "fail", failure }, approves("grace"))).toThrow(
      /is failed/,
    );
    expect(() => after(...waiting, { kind: "supersede", by: "p", reason: "r" }, approves("grace"))).toThrow(
      /is superseded/,
    );
  });
});

describe("a plan made again after the merge", () => {
  const again = (reviewed?: { readonly digest: string; readonly approved: boolean }): PlanState =>
    after(requested({ phase: "merge" }), started, {
      kind: "finish",
      finished: planResult({ create: 1 }),
      ...(reviewed === undefined ? {} : { reviewed }),
    });

  test("proceeds when it means the same as the approved one", () => {
    expect(isApproved(again({ digest: DIGEST, approved: true }))).toBe(true);
  });
  test("waits when it differs", () => {
    expect(isApproved(again({ digest: "plan-sha256:k:other", approved: true }))).toBe(false);
  });
  test("waits when what it repeats was never approved", () => {
    expect(isApproved(again({ digest: DIGEST, approved: false }))).toBe(false);
  });
  test("waits when nothing was reviewed", () => expect(isApproved(again())).toBe(false));
});

test("a redelivered request, start or result changes nothing", () => {
  const once = after(requested(), started, finished());
  expect(after(requested(), requested(), started, started, finished(), finished())).toEqual(once);
});
