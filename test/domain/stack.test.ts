import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Draft } from "../../shared/domain/fact.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import {
  type StackFactType,
  type StackInput,
  type StackState,
  nextApply,
  runningApply,
  stack,
} from "../../shared/domain/stack.ts";
import { factFrom } from "../support/facts.ts";
import { SETTINGS } from "../support/plans.ts";

const name = (id: string, attempt = 1): string => `stacks/web/applies/${id}-${attempt}`;

function request(
  id: string,
  mergeOrder: number,
  change: Partial<FactData<"apply.requested">> = {},
): FactData<"apply.requested"> {
  return {
    apply: name(id),
    repository: "acme/platform",
    pullRequest: mergeOrder,
    mergeCommit: id,
    mergeOrder,
    plan: `stacks/web/plans/${id}`,
    after: [],
    closureDigest: "sha256:closure",
    ...change,
  };
}

function withoutPlan({ plan, ...rest }: FactData<"apply.requested">): FactData<"apply.requested"> {
  expect(plan).toBeDefined();
  return rest;
}

const asks = (id: string, order: number): StackInput => ({
  kind: "request-apply",
  request: request(id, order),
});
const starts = (id: string): StackInput => ({
  kind: "start-apply",
  started: {
    apply: name(id),
    plan: `stacks/web/plans/${id}`,
    digest: "plan-sha256:k:1",
    build: `apply-web-${id}`,
  },
});
const finishes = (id: string, stateSerial = 1): StackInput => ({
  kind: "finish-apply",
  finished: {
    apply: name(id),
    plan: `stacks/web/plans/${id}`,
    build: `apply-web-${id}`,
    mergeCommit: id,
    counts: { create: 1, update: 0, replace: 0, delete: 0, read: 0 },
    outputs: [],
    stateSerial,
    durationMs: 5,
  },
});
const fails = (id: string, reason: string, again?: string): StackInput => ({
  kind: "fail-apply",
  failure: { apply: name(id), plan: "", reason, message: "m", nextStep: "n" },
  ...(again === undefined ? {} : { again }),
});
const isInterrupted = (id: string): StackInput => ({
  kind: "interrupt-apply",
  interrupted: {
    apply: name(id),
    build: "b",
    resources: ["terraform_data.a"],
    message: "killed",
    nextStep: "look",
  },
});

function after(...inputs: readonly StackInput[]): {
  readonly state: StackState;
  readonly last: readonly Draft<StackFactType>[];
} {
  let state = stack.initial;
  let last: readonly Draft<StackFactType>[] = [];
  let version = 0;
  for (const input of inputs) {
    const decision = stack.decide(state, input);
    last = decision.kind === "facts" ? decision.facts : [];
    for (const draft of last) state = stack.evolve(state, factFrom(draft, { version: ++version }));
  }
  return { state, last };
}

const types = (drafts: readonly Draft<StackFactType>[]): readonly string[] => drafts.map(({ type }) => type);

describe("applies of one stack", () => {
  test("the oldest merge that waits has its turn", () => {
    expect(nextApply(after(asks("m1", 1)).state)?.request.apply).toBe(name("m1"));
  });

  test("while one apply runs no other has its turn", () => {
    const { state, last } = after(asks("m1", 1), starts("m1"), asks("m2", 2), starts("m2"));
    expect(last).toEqual([]);
    expect(runningApply(state)?.request.apply).toBe(name("m1"));
    expect(nextApply(state)).toBeUndefined();
  });

  test("a newer merge supersedes a waiting apply, not a running one", () => {
    const { state, last } = after(asks("m1", 1), starts("m1"), asks("m2", 2), asks("m3", 3));
    expect(types(last)).toEqual(["apply.requested", "apply.failed"]);
    expect(state.applies.get(name("m1"))?.state).toBe("running");
    expect(state.applies.get(name("m2"))?.failure?.reason).toBe("SUPERSEDED");
    expect(
      nextApply(after(asks("m1", 1), starts("m1"), asks("m3", 3), finishes("m1")).state)?.request.apply,
    ).toBe(name("m3"));
  });

  test("a merge that arrives after a newer one is settled as superseded", () => {
    const { state } = after(asks("m2", 2), asks("m1", 1));
    expect(state.applies.get(name("m1"))?.failure?.reason).toBe("SUPERSEDED");
    expect(nextApply(state)?.request.apply).toBe(name("m2"));
  });

  test("the same merge is asked for once, and learns its reviewed plan from the later of push and pull request", () => {
    const push: StackInput = {
      kind: "request-apply",
      request: withoutPlan(request("m1", 1)),
    };
    expect(types(after(asks("m1", 1), asks("m1", 1)).last)).toEqual([]);
    const { state } = after(push, asks("m1", 1));
    expect(state.applies.get(name("m1"))?.request.plan).toBe("stacks/web/plans/m1");
    expect(types(after(asks("m1", 1), push).last)).toEqual([]);
  });

  test("a failed apply does not block the next merge", () => {
    const { state } = after(asks("m1", 1), starts("m1"), fails("m1", "APPLY_FAILED"), asks("m2", 2));
    expect(nextApply(state)?.request.apply).toBe(name("m2"));
  });

  test("a stale plan is tried again under a new name, unless a newer merge waits", () => {
    const again = name("m1", 2);
    expect(
      nextApply(after(asks("m1", 1), starts("m1"), fails("m1", "STALE_STATE", again)).state)?.request.apply,
    ).toBe(again);
    const { state } = after(asks("m1", 1), starts("m1"), asks("m2", 2), fails("m1", "STALE_STATE", again));
    expect(nextApply(state)?.request.apply).toBe(name("m2"));
  });

  test("an interrupted apply blocks the stack until someone has looked", () => {
    const interrupted = [asks("m1", 1), starts("m1"), isInterrupted("m1"), asks("m2", 2)] as const;
    expect(nextApply(after(...interrupted).state)).toBeUndefined();
    expect(types(after(...interrupted, starts("m2")).last)).toEqual([]);
    expect(nextApply(after(...interrupted, { kind: "unblock", reason: "looked" }).state)?.request.apply).toBe(
      name("m2"),
    );
  });

  test("unblocking what is not blocked is refused with a reason", () => {
    expect(() => after({ kind: "unblock", reason: "?" })).toThrow(/not blocked/);
  });
});

describe("a stack's configuration", () => {
  const settings = (repository: string, configDigest = "sha256:1", mergeOrder?: number): StackInput => ({
    kind: "configure",
    settings: {
      repository,
      commit: "c",
      ...(mergeOrder === undefined ? {} : { mergeOrder }),
      ...SETTINGS,
      configDigest,
    },
  });

  test("is that of the newest merge, in whatever order merges are heard of", () => {
    const merges = [settings("a", "sha256:1", 1), settings("a", "sha256:2", 2), settings("a", "sha256:1", 3)];
    fc.assert(
      fc.property(fc.shuffledSubarray(merges, { minLength: 3 }), (heard) => {
        expect(after(...heard).state.settings).toMatchObject({ configDigest: "sha256:1", mergeOrder: 3 });
      }),
    );
  });

  test("is recorded when it changes and ignored when it does not", () => {
    expect(types(after(settings("acme/a"), settings("acme/a")).last)).toEqual([]);
    expect(types(after(settings("acme/a"), settings("acme/a", "sha256:2")).last)).toEqual([
      "stack.configured",
    ]);
  });

  test("belongs to one repository", () => {
    expect(() => after(settings("acme/a"), settings("acme/b"))).toThrow(/belongs to the repository acme\/a/);
  });
});

describe("properties", () => {
  const ids = ["m1", "m2", "m3", "m4"] as const;
  const input = fc.oneof(
    fc.constantFrom(...ids).map((id) => asks(id, Number(id.slice(1)))),
    fc.constantFrom(...ids).map(starts),
    fc.constantFrom(...ids).map((id) => finishes(id)),
    fc.constantFrom(...ids).map((id) => fails(id, "APPLY_FAILED")),
    fc.constantFrom(...ids).map((id) => fails(id, "STALE_STATE", name(id, 2))),
    fc.constantFrom(...ids).map(isInterrupted),
  );

  test("never do two applies of a stack run, and merges start in order", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
        let state = stack.initial;
        let lastStarted = 0;
        for (const each of inputs) {
          const decision = stack.decide(state, each);
          for (const draft of decision.kind === "facts" ? decision.facts : []) {
            state = stack.evolve(state, factFrom(draft));
            if (draft.type === "apply.started") {
              const order = state.applies.get(draft.data.apply)?.request.mergeOrder ?? 0;
              expect(order).toBeGreaterThanOrEqual(lastStarted);
              lastStarted = order;
            }
          }
          expect(
            [...state.applies.values()].filter((apply) => apply.state === "running").length,
          ).toBeLessThanOrEqual(1);
          expect(
            [...state.applies.values()].filter((apply) => apply.state === "waiting").length,
          ).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });
});
