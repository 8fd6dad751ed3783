// Decider of one stack: what it is, which apply runs, which wait in merge order, and whether a person must look first.
// One apply at a time; a newer merge supersedes a waiting apply, not a running one; an interrupted apply blocks.
import type { Decider } from "./decider.ts";
import { happens, ignored } from "./decider.ts";
import { ControlPlaneError, failedPrecondition } from "./errors.ts";
import type { Draft, FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";
import { compareMergeOrder } from "./merge-order.ts";

/** Facts of a stack's stream. */
export type StackFactType =
  | "stack.configured"
  | "stack.blocked"
  | "stack.unblocked"
  | "stack.apply-interrupted"
  | "apply.requested"
  | "apply.started"
  | "apply.finished"
  | "apply.failed";

/** An apply as it stands. */
export interface ApplyState {
  readonly request: FactData<"apply.requested">;
  readonly state: "waiting" | "running" | "finished" | "failed" | "interrupted";
  readonly started?: FactData<"apply.started">;
  readonly finished?: FactData<"apply.finished">;
  readonly failure?: FactData<"apply.failed">;
}

/** A stack as it stands. */
export interface StackState {
  readonly settings?: FactData<"stack.configured">;
  readonly blocked?: FactData<"stack.blocked">;
  /** The last interrupted apply: what was being changed. */
  readonly interrupted?: FactData<"stack.apply-interrupted">;
  /** Every apply by name, in the order in which they were requested. */
  readonly applies: ReadonlyMap<string, ApplyState>;
  /** Serial of the state after the last apply; -1 before any. */
  readonly stateSerial: number;
}

/** What can happen to a stack. */
export type StackInput =
  | { readonly kind: "configure"; readonly settings: FactData<"stack.configured"> }
  | { readonly kind: "request-apply"; readonly request: FactData<"apply.requested"> }
  | { readonly kind: "start-apply"; readonly started: FactData<"apply.started"> }
  | { readonly kind: "finish-apply"; readonly finished: FactData<"apply.finished"> }
  | {
      readonly kind: "fail-apply";
      readonly failure: FactData<"apply.failed">;
      /** The same merge again under a new apply name, when trying again can help (a stale plan). */
      readonly again?: string;
    }
  | { readonly kind: "interrupt-apply"; readonly interrupted: FactData<"stack.apply-interrupted"> }
  | { readonly kind: "unblock"; readonly reason: string };

const initial: StackState = { applies: new Map(), stateSerial: -1 };

/** Automatic repetitions of one merge's apply after a stale plan. */
export const APPLY_AGAIN_MAX = 3;

/** The apply that runs, if one does. */
export function runningApply(state: StackState): ApplyState | undefined {
  return [...state.applies.values()].find((apply) => apply.state === "running");
}

/** The apply whose turn it is: the oldest merge that waits, if nothing runs and nobody must look first. */
export function nextApply(state: StackState): ApplyState | undefined {
  if (state.blocked !== undefined || runningApply(state) !== undefined) return undefined;
  return [...state.applies.values()]
    .filter((apply) => apply.state === "waiting")
    .toSorted((a, b) => a.request.mergeOrder - b.request.mergeOrder)[0];
}

const superseded = (request: FactData<"apply.requested">, by: string): Draft<StackFactType> => ({
  type: "apply.failed",
  data: {
    apply: request.apply,
    plan: request.plan ?? "",
    reason: "SUPERSEDED",
    message: `A newer merge (${by}) of this stack is applied instead; it contains this one.`,
    nextStep: "Nothing: follow the newer apply.",
  },
});

function requestApply(state: StackState, request: FactData<"apply.requested">) {
  const known = state.applies.get(request.apply);
  // A push may come before the pull request's `closed`, which alone knows the reviewed plan: then it is added.
  if (known?.state === "waiting" && known.request.plan === undefined && request.plan !== undefined) {
    return happens<StackFactType>([{ type: "apply.requested", data: request }]);
  }
  if (known !== undefined) return ignored("this apply was requested already");
  const drafts: Draft<StackFactType>[] = [{ type: "apply.requested", data: request }];
  const others = [...state.applies.values()];
  const newer = others.find(
    ({ request: other, state }) =>
      other.mergeOrder > request.mergeOrder && state !== "failed" && state !== "interrupted",
  );
  if (newer !== undefined) return happens([...drafts, superseded(request, newer.request.mergeCommit)]);
  for (const other of others) {
    if (other.state === "waiting") drafts.push(superseded(other.request, request.mergeCommit));
  }
  return happens(drafts);
}

function startApply(state: StackState, started: FactData<"apply.started">) {
  const next = nextApply(state);
  if (next?.request.apply === started.apply)
    return happens<StackFactType>([{ type: "apply.started", data: started }]);
  const reason =
    state.blocked !== undefined
      ? "the stack is blocked until someone has looked at its interrupted apply"
      : `it is not the turn of ${started.apply}`;
  return ignored(reason);
}

function failApply(state: StackState, failure: FactData<"apply.failed">, again: string | undefined) {
  const apply = state.applies.get(failure.apply);
  if (apply === undefined || (apply.state !== "running" && apply.state !== "waiting")) {
    return ignored("this apply is neither waiting nor running");
  }
  const drafts: Draft<StackFactType>[] = [{ type: "apply.failed", data: failure }];
  if (again !== undefined && !state.applies.has(again)) {
    const newerWaits = [...state.applies.values()].some(
      (other) => other.state === "waiting" && other.request.mergeOrder > apply.request.mergeOrder,
    );
    if (!newerWaits) drafts.push({ type: "apply.requested", data: { ...apply.request, apply: again } });
  }
  return happens(drafts);
}

function interruptApply(state: StackState, interrupted: FactData<"stack.apply-interrupted">) {
  if (state.applies.get(interrupted.apply)?.state !== "running") return ignored("this apply is not running");
  return happens<StackFactType>([
    { type: "stack.apply-interrupted", data: interrupted },
    { type: "stack.blocked", data: { apply: interrupted.apply, reason: interrupted.message } },
  ]);
}

function configure(state: StackState, settings: FactData<"stack.configured">) {
  const { settings: known } = state;
  if (known !== undefined && known.repository !== settings.repository) {
    throw new ControlPlaneError(
      "ALREADY_EXISTS",
      `This stack belongs to the repository ${known.repository}: give the stack in ${settings.repository} another name.`,
      { reason: "STACK_OWNED_ELSEWHERE", field: "stacks.name", metadata: { owner: known.repository } },
    );
  }
  const byOrder = compareMergeOrder(settings, known);
  if (byOrder === "older") return ignored("a newer merge has configured this stack");
  // The same again from a newer merge is recorded: what an even older one says must not come between.
  if (byOrder !== "newer" && known?.configDigest === settings.configDigest)
    return ignored("the configuration is the same");
  return happens<StackFactType>([{ type: "stack.configured", data: settings }]);
}

function decide(state: StackState, input: StackInput) {
  switch (input.kind) {
    case "configure":
      return configure(state, input.settings);
    case "request-apply":
      return requestApply(state, input.request);
    case "start-apply":
      return startApply(state, input.started);
    case "finish-apply":
      return state.applies.get(input.finished.apply)?.state === "running"
        ? happens<StackFactType>([{ type: "apply.finished", data: input.finished }])
        : ignored("this apply is not running");
    case "fail-apply":
      return failApply(state, input.failure, input.again);
    case "interrupt-apply":
      return interruptApply(state, input.interrupted);
    case "unblock":
      if (state.blocked === undefined) {
        throw failedPrecondition("NOT_BLOCKED", "The stack is not blocked: there is nothing to unblock.");
      }
      return happens<StackFactType>([{ type: "stack.unblocked", data: { reason: input.reason } }]);
  }
}

function withApply(state: StackState, name: string, change: Partial<ApplyState>): StackState {
  const apply = state.applies.get(name);
  if (apply === undefined) return state;
  return { ...state, applies: new Map(state.applies).set(name, { ...apply, ...change }) };
}

function evolve(state: StackState, fact: FactOf<StackFactType>): StackState {
  switch (fact.type) {
    case "stack.configured":
      return { ...state, settings: fact.data };
    case "stack.blocked":
      return { ...state, blocked: fact.data };
    case "stack.unblocked": {
      const { blocked: _, ...rest } = state;
      return rest;
    }
    case "stack.apply-interrupted":
      return { ...withApply(state, fact.data.apply, { state: "interrupted" }), interrupted: fact.data };
    case "apply.requested": {
      const apply: ApplyState = { request: fact.data, state: "waiting" };
      return { ...state, applies: new Map(state.applies).set(fact.data.apply, apply) };
    }
    case "apply.started":
      return withApply(state, fact.data.apply, { state: "running", started: fact.data });
    case "apply.finished":
      return {
        ...withApply(state, fact.data.apply, { state: "finished", finished: fact.data }),
        stateSerial: fact.data.stateSerial,
      };
    case "apply.failed":
      return withApply(state, fact.data.apply, { state: "failed", failure: fact.data });
  }
}

/** The rule of one stack. */
export const stack: Decider<StackState, StackInput, StackFactType> = {
  initial,
  decide,
  evolve,
  snapshots: {
    name: "stack",
    schema: 1,
    freeze: ({ applies, ...rest }) => ({ ...rest, applies: [...applies] }),
    thaw: (kept) => {
      const { applies, ...rest } = kept as Omit<StackState, "applies"> & { applies: [string, ApplyState][] };
      return { ...rest, applies: new Map(applies) };
    },
  },
};
