import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { rollout, type RolloutInput } from "../../shared/domain/rollout.ts";
import {
  backendsOf,
  lastStepOf,
  weightAt,
  weightsAsLeft,
  weightsWith,
} from "../../shared/domain/rollout-plan.ts";
import {
  moveCause,
  readMoveCause,
  rolloutName,
  TAKE_BACK_TRIGGERS,
} from "../../shared/domain/rollout-name.ts";
import {
  requireOwner,
  requirePromotable,
  requireRetryable,
  requireStep,
} from "../../shared/domain/rollout-rules.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import {
  hasEnded,
  NO_ROLLOUT,
  type RolloutFactType,
  type RolloutState,
} from "../../shared/domain/rollout-state.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const V1 = "teams/default/models/ranker/versions/1";
const V2 = "teams/default/models/ranker/versions/2";
const NAME = rolloutName(ENDPOINT, V2, 1);
const T0 = "2026-01-01T00:00:00.000Z";
const T1 = "2026-01-01T00:10:00.000Z";

const queued: FactData<"rollout.queued"> = {
  endpoint: ENDPOINT,
  modelVersion: V2,
  artifact: { uri: "file:///v2", digest: "sha256:22" },
  attempt: 1,
};
const started: FactData<"rollout.started"> = {
  endpoint: ENDPOINT,
  modelVersion: V2,
  artifact: queued.artifact,
  previous: V1,
  serving: { parameters: {}, directory: "." },
  repository: "platform",
  commit: "c1",
  policy: ROLLOUT_POLICY_DEFAULTS,
  standbyMs: 1_800_000,
  deadline: "2026-01-01T01:00:00.000Z",
};
const prepared = { modelVersion: V2, backend: "ranker-2", durationMs: 900 };
const failed = {
  modelVersion: V2,
  reason: "DIGEST_MISMATCH",
  message: "other bytes",
  nextStep: "register again",
};
const judged = (verdict: "pass" | "fail" | "inconclusive"): FactData<"rollout.judged"> => ({
  verdict,
  step: 2,
  control: { requests: 900, errors: 1 },
  canary: { requests: 800, errors: 1 },
  eValues: { pass: 30 },
  sentence: `${verdict}.`,
});
const moved = (change: Partial<FactData<"traffic.moved">> = {}): FactData<"traffic.moved"> => ({
  epoch: 9,
  kind: "rollback",
  moveCause: "api/request-1",
  reason: "looks wrong",
  from: { [V1]: 50, [V2]: 50 },
  to: { [V1]: 100 },
  movedAt: T1,
  ...change,
});

const apply = (state: RolloutState, drafts: readonly Draft<RolloutFactType>[]): RolloutState =>
  drafts.reduce(
    (before, draft, index) =>
      rollout.evolve(before, {
        ...draft,
        id: "f",
        subject: NAME,
        version: index + 1,
        time: T0,
        cause: "c",
        correlation: "",
        actor: "t",
      }),
    state,
  );
const given = (...drafts: readonly Draft<RolloutFactType>[]): RolloutState => apply(NO_ROLLOUT, drafts);

const Q: Draft<RolloutFactType> = { type: "rollout.queued", data: queued };
const S: Draft<RolloutFactType> = { type: "rollout.started", data: started };
const P: Draft<RolloutFactType> = { type: "release.prepared", data: prepared };
const C: Draft<RolloutFactType> = { type: "rollout.claimed", data: { execution: "x1" } };
const stepped = (step: number, weight: number, epoch: number): Draft<RolloutFactType> => ({
  type: "rollout.step-changed",
  data: { step, weight, epoch, override: false },
});
const last = [Q, S, P, C, stepped(0, 5, 2), stepped(1, 25, 3), stepped(2, 50, 4)] as const;

const states = {
  absent: NO_ROLLOUT,
  queued: given(Q),
  started: given(Q, S),
  last: given(...last),
  promoted: given(...last, {
    type: "rollout.promoted",
    data: { modelVersion: V2, epoch: 5, override: false },
  }),
  "rolled-back": given(...last, {
    type: "rollout.rolled-back",
    data: { modelVersion: V2, trigger: "judge", reason: "errors", epoch: 5 },
  }),
  aborted: given(...last, { type: "rollout.aborted", data: { modelVersion: V2, reason: "stop", epoch: 5 } }),
} as const;

const inputs = {
  queue: { kind: "queue", queued, onRegistered: "queue" },
  start: { kind: "start", started },
  "release-prepared": { kind: "release-prepared", prepared },
  "release-failed": { kind: "release-failed", failed, at: T1 },
  claim: { kind: "claim", execution: "x1" },
  step: { kind: "step", change: { step: 3, weight: 75, epoch: 6, override: false } },
  pause: { kind: "pause", paused: true, reason: "lunch" },
  judged: { kind: "judged", judged: judged("pass"), final: false },
  promote: { kind: "promote", epoch: 6, override: false, at: T1 },
  "take-back": { kind: "take-back", trigger: "timer", reason: "time is over", epoch: 6, at: T1 },
  abort: { kind: "abort", reason: "stop", at: T1 },
  "observe-move": { kind: "observe-move", move: moved() },
} as const satisfies Record<RolloutInput["kind"], RolloutInput>;

/** Facts by short name, `-` for ignored, or the reason of the refusal. */
function outcomeOf(state: RolloutState, input: RolloutInput): string {
  try {
    const decision = rollout.decide(state, input);
    return decision.kind === "ignored"
      ? "-"
      : decision.facts.map(({ type }) => type.replace("rollout.", "")).join("+");
  } catch (error) {
    if (error instanceof ControlPlaneError) return error.reason;
    throw error;
  }
}

const NF = "ROLLOUT_NOT_FOUND";
const NS = "ROLLOUT_NOT_STARTED";
const END = "ROLLOUT_ENDED";
/** Every state by every input, in the order of `inputs`. */
const MATRIX: Record<keyof typeof states, readonly string[]> = {
  absent: ["queued", NF, NF, NF, NF, NF, NF, NF, NF, NF, NF, "-"],
  queued: ["-", "started", NS, NS, NS, NS, NS, NS, NS, NS, "aborted", "-"],
  started: [
    "-",
    "-",
    "release.prepared",
    "release.failed+rolled-back",
    "claimed",
    "step-changed",
    "paused",
    "judged",
    "promoted",
    "rolled-back",
    "aborted",
    "rolled-back",
  ],
  last: [
    "-",
    "-",
    "-",
    "release.failed+rolled-back",
    "-",
    "step-changed",
    "paused",
    "judged",
    "promoted",
    "rolled-back",
    "aborted",
    "rolled-back",
  ],
  promoted: ["-", "-", "-", "-", END, "-", END, "-", "-", "-", END, "-"],
  "rolled-back": ["-", "-", "-", "-", END, "-", END, "-", END, "-", END, "-"],
  aborted: ["-", "-", "-", "-", END, "-", END, "-", END, "-", "-", "-"],
};

describe("every input in every state", () => {
  const kinds = Object.keys(inputs) as (keyof typeof inputs)[];
  for (const [name, row] of Object.entries(MATRIX)) {
    test(`has one answer when the rollout is ${name}`, () => {
      const state = states[name as keyof typeof states];
      expect(kinds.map((kind) => `${kind}: ${outcomeOf(state, inputs[kind])}`)).toEqual(
        kinds.map((kind, index) => `${kind}: ${row[index]}`),
      );
    });
  }
});

describe("a rollout", () => {
  test("waits for an endpoint that is not configured yet, in place of older versions that wait for it", () => {
    expect(rollout.decide(NO_ROLLOUT, { kind: "queue", queued, onRegistered: undefined })).toEqual({
      kind: "facts",
      facts: [{ type: "rollout.queued", data: { ...queued, replaces: true, unconfigured: true } }],
    });
  });

  test("takes the place of what runs where the policy says so, and never by a retry", () => {
    expect(rollout.decide(NO_ROLLOUT, { kind: "queue", queued, onRegistered: "replace" })).toMatchObject({
      facts: [{ data: { ...queued, replaces: true } }],
    });
    const retried = { ...queued, attempt: 2 };
    const again = { ...retried, replaces: true, unconfigured: true };
    expect(rollout.decide(NO_ROLLOUT, { kind: "queue", queued: again, onRegistered: "replace" })).toEqual({
      kind: "facts",
      facts: [{ type: "rollout.queued", data: retried }],
    });
  });

  test("is not queued where the policy ignores new versions, unless a person retries", () => {
    expect(rollout.decide(NO_ROLLOUT, { kind: "queue", queued, onRegistered: "ignore" })).toMatchObject({
      kind: "ignored",
    });
    const retried = { ...queued, attempt: 2 };
    expect(rollout.decide(NO_ROLLOUT, { kind: "queue", queued: retried, onRegistered: "ignore" })).toEqual({
      kind: "facts",
      facts: [{ type: "rollout.queued", data: retried }],
    });
  });

  test("sets its deadline with the start, its predecessor's standby with the promotion, and the drain of what is taken back", () => {
    expect(rollout.decide(states.queued, inputs.start)).toMatchObject({
      due: [{ name: "deadline", time: "2026-01-01T01:00:30.000Z" }],
    });
    expect(rollout.decide(states.last, inputs.promote)).toMatchObject({
      due: [{ name: "standby", time: "2026-01-01T00:40:00.000Z" }],
    });
    expect(rollout.decide(states.last, inputs["take-back"])).toMatchObject({
      due: [{ name: "drain", time: "2026-01-01T00:10:10.000Z" }],
    });
  });

  test("belongs to the first execution that claims it; a second one learns the owner", () => {
    const state = given(Q, S, C);
    expect(outcomeOf(state, { kind: "claim", execution: "x1" })).toBe("-");
    expect(() => rollout.decide(state, { kind: "claim", execution: "x2" })).toThrow(
      expect.objectContaining({ code: "ABORTED", metadata: { owner: "x1" } }),
    );
    expect(() => requireOwner(state, "x2")).toThrow(
      expect.objectContaining({ code: "ABORTED", metadata: { owner: "x1" } }),
    );
    expect(requireOwner(state, "x1")).toEqual(started);
  });

  test("records a verdict when it changes and once more, with its evidence, at the time limit", () => {
    const before = given(Q, S, P, C);
    expect(outcomeOf(before, { kind: "judged", judged: judged("inconclusive"), final: false })).toBe("-");
    expect(outcomeOf(before, { kind: "judged", judged: judged("inconclusive"), final: true })).toBe("judged");
    const passed = apply(before, [{ type: "rollout.judged", data: judged("pass") }]);
    expect(outcomeOf(passed, { kind: "judged", judged: judged("pass"), final: false })).toBe("-");
    expect(outcomeOf(passed, { kind: "judged", judged: judged("inconclusive"), final: false })).toBe(
      "judged",
    );
  });

  test("that a person moved on is promoted as an override", () => {
    const state = apply(given(Q, S, P), [
      { type: "rollout.step-changed", data: { step: 0, weight: 5, epoch: 2, override: true } },
    ]);
    expect(rollout.decide(state, inputs.promote)).toMatchObject({ facts: [{ data: { override: true } }] });
  });
});

describe("what may be done", () => {
  const refused = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ControlPlaneError) return error.reason;
      throw error;
    }
    return "allowed";
  };
  const ready = given(Q, S, P, C);
  const passed = apply(states.last, [{ type: "rollout.judged", data: judged("pass") }]);
  const harmful = apply(states.last, [{ type: "rollout.judged", data: judged("fail") }]);
  const pausedState = apply(passed, [{ type: "rollout.paused", data: { paused: true, reason: "lunch" } }]);

  test("steps follow each other, need a ready release, and stop at a pause except for a person", () => {
    expect(refused(() => requireStep(ready, 0, false))).toBe("allowed");
    expect(refused(() => requireStep(given(Q, S, C), 0, false))).toBe("RELEASE_NOT_READY");
    expect(refused(() => requireStep(ready, 1, false))).toBe("NOT_THE_NEXT_STEP");
    expect(refused(() => requireStep(states.last, 3, false))).toBe("NOT_THE_NEXT_STEP");
    const pausedEarly = apply(ready, [{ type: "rollout.paused", data: { paused: true, reason: "lunch" } }]);
    expect(refused(() => requireStep(pausedEarly, 0, false))).toBe("ROLLOUT_PAUSED");
    expect(refused(() => requireStep(pausedEarly, 0, true))).toBe("allowed");
  });

  test("a promotion needs the last step and a pass, or a person; nobody overrides a fail", () => {
    expect(refused(() => requirePromotable(passed, false))).toBe("allowed");
    expect(refused(() => requirePromotable(states.last, false))).toBe("NOT_PROVEN");
    expect(refused(() => requirePromotable(states.last, true))).toBe("allowed");
    expect(refused(() => requirePromotable(pausedState, false))).toBe("ROLLOUT_PAUSED");
    expect(refused(() => requirePromotable(ready, true))).toBe("NOT_AT_THE_LAST_STEP");
    expect(refused(() => requirePromotable(harmful, true))).toBe("VERDICT_FAIL");
    expect(
      refused(() => requireStep(apply(ready, [{ type: "rollout.judged", data: judged("fail") }]), 0, true)),
    ).toBe("VERDICT_FAIL");
  });

  test("only what was rolled back or aborted is tried again", () => {
    const answers = Object.entries(states).map(
      ([name, state]) => `${name}: ${refused(() => requireRetryable(state))}`,
    );
    expect(answers).toEqual([
      "absent: ROLLOUT_NOT_FOUND",
      "queued: ROLLOUT_NOT_ENDED",
      "started: ROLLOUT_NOT_ENDED",
      "last: ROLLOUT_NOT_ENDED",
      "promoted: ROLLOUT_PROMOTED",
      "rolled-back: allowed",
      "aborted: allowed",
    ]);
  });
});

describe("moves seen in the traffic document", () => {
  const observe = (state: RolloutState, change: Partial<FactData<"traffic.moved">>) =>
    rollout.decide(state, { kind: "observe-move", move: moved(change) });

  test("by a person end the rollout: rolled back if its version lost traffic, aborted if it had none yet", () => {
    expect(observe(states.last, {})).toMatchObject({
      facts: [{ type: "rollout.rolled-back", data: { trigger: "person", reason: "looks wrong", epoch: 9 } }],
    });
    expect(
      observe(given(Q, S), { from: { [V1]: 100 }, to: { "teams/default/models/ranker/versions/0": 100 } }),
    ).toMatchObject({
      facts: [{ type: "rollout.aborted" }],
    });
  });

  test("of its own complete what a crash left unrecorded, whatever it was", () => {
    const split = { from: { [V1]: 75, [V2]: 25 }, to: { [V1]: 50, [V2]: 50 }, kind: "advance" as const };
    const before = given(...last.slice(0, -1));
    expect(
      observe(before, { ...split, moveCause: moveCause(NAME, { kind: "step", step: 2, override: true }) }),
    ).toMatchObject({
      facts: [{ type: "rollout.step-changed", data: { step: 2, weight: 50, epoch: 9, override: true } }],
    });
    expect(
      observe(states.last, { moveCause: moveCause(NAME, { kind: "promote", override: false }) }),
    ).toMatchObject({
      facts: [{ type: "rollout.promoted", data: { epoch: 9 } }],
    });
    for (const trigger of TAKE_BACK_TRIGGERS) {
      expect(
        observe(states.last, { moveCause: moveCause(NAME, { kind: "take-back", trigger }) }),
      ).toMatchObject({
        facts: [{ type: "rollout.rolled-back", data: { trigger } }],
      });
    }
    expect(
      observe(states.last, { moveCause: moveCause(NAME, { kind: "abort" }), kind: "abort" }),
    ).toMatchObject({
      facts: [{ type: "rollout.aborted" }],
    });
  });

  test("that it knows, that are older than its start, or that another rollout made are not its own", () => {
    expect(observe(states.last, { epoch: 4 })).toMatchObject({ kind: "ignored" });
    expect(observe(states.started, { movedAt: "2025-12-31T23:59:59.000Z" })).toMatchObject({
      kind: "ignored",
    });
    const other = moveCause(rolloutName(ENDPOINT, V1, 1), { kind: "promote", override: false });
    expect(observe(states.started, { moveCause: other })).toMatchObject({ kind: "ignored" });
  });
});

describe("the names and weights of a rollout", () => {
  test("are the same on every retry, differ by attempt, endpoint and version, and fit a resource id", () => {
    expect(NAME).toMatch(/^teams\/default\/endpoints\/ranker\/rollouts\/ranker-2-1-[0-9a-f]{4}$/);
    expect(rolloutName(ENDPOINT, V2, 2)).not.toBe(NAME);
    const long = `teams/default/models/${"m".repeat(60)}/versions/${"v".repeat(60)}`;
    expect(rolloutName(ENDPOINT, long, 12).split("/").at(-1)?.length).toBeLessThanOrEqual(63);
  });

  test("can be read back from the cause of a move", () => {
    const purposes = [
      { kind: "step", step: 0, override: false },
      { kind: "step", step: 12, override: true },
      { kind: "promote", override: false },
      { kind: "promote", override: true },
      { kind: "abort" },
      ...TAKE_BACK_TRIGGERS.map((trigger) => ({ kind: "take-back", trigger }) as const),
    ] as const;
    for (const purpose of purposes) {
      expect(readMoveCause(moveCause(NAME, purpose))).toEqual({ rollout: NAME, purpose });
    }
    expect(readMoveCause("api/promote")).toBeUndefined();
    expect(readMoveCause("promote")).toBeUndefined();
  });

  test("split between both versions below 100 and leave the predecessor nothing at 100", () => {
    expect([0, 1, 2].map((step) => weightsWith(started, weightAt(started, step)))).toEqual([
      { [V2]: 5, [V1]: 95 },
      { [V2]: 25, [V1]: 75 },
      { [V2]: 50, [V1]: 50 },
    ]);
    expect(weightsWith(started, 0)).toEqual({ [V1]: 100 });
    expect(weightsWith(started, 100)).toEqual({ [V2]: 100 });
    const first = { ...started, previous: null };
    expect([lastStepOf(started), lastStepOf(first), weightAt(first, 0)]).toEqual([2, 0, 100]);
    expect(Object.keys(backendsOf(started))).toEqual([V2, V1]);
  });

  test("tell whether someone else has moved the traffic meanwhile", () => {
    expect(weightsAsLeft(states.started, started, { [V1]: 100 })).toBe(true);
    expect(weightsAsLeft(states.started, started, { [V1]: 100, [V2]: 0 })).toBe(true);
    expect(weightsAsLeft(states.last, started, { [V1]: 50, [V2]: 50 })).toBe(true);
    expect(weightsAsLeft(states.last, started, { [V1]: 100 })).toBe(false);
    const first = { ...started, previous: null };
    expect(weightsAsLeft(given(Q), first, {})).toBe(true);
    expect(weightsAsLeft(given(Q), first, { [V2]: 100 })).toBe(true);
    expect(weightsAsLeft(given(Q), first, { [V1]: 100 })).toBe(false);
  });
});

describe("whatever happens in whatever order", () => {
  const anyInput: fc.Arbitrary<RolloutInput> = fc.oneof(
    fc.constantFrom<RolloutInput>(...Object.values(inputs)),
    fc.constantFrom<RolloutInput>(
      { kind: "claim", execution: "x2" },
      { kind: "pause", paused: false, reason: "on" },
      { kind: "judged", judged: judged("fail"), final: false },
      { kind: "judged", judged: judged("inconclusive"), final: true },
      { kind: "start", started: { ...started, previous: null } },
    ),
    fc
      .record({ step: fc.nat({ max: 3 }), epoch: fc.nat({ max: 20 }), override: fc.boolean() })
      .map((change): RolloutInput => ({ kind: "step", change: { ...change, weight: 5 } })),
    fc
      .record({ epoch: fc.nat({ max: 20 }), trigger: fc.constantFrom(...TAKE_BACK_TRIGGERS) })
      .map(({ epoch, trigger }): RolloutInput => ({
        kind: "observe-move",
        move: moved({ epoch, moveCause: moveCause(NAME, { kind: "take-back", trigger }) }),
      })),
  );

  test("a rollout ends at most once, one way, and nothing follows its end", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), (history) => {
        let state: RolloutState = NO_ROLLOUT;
        let ends = 0;
        for (const input of history) {
          let decision: ReturnType<typeof rollout.decide>;
          try {
            decision = rollout.decide(state, input);
          } catch (error) {
            if (error instanceof ControlPlaneError) continue;
            throw error;
          }
          if (decision.kind === "ignored") continue;
          expect(hasEnded(state)).toBe(false);
          expect(decision.facts.length).toBeGreaterThan(0);
          state = apply(state, decision.facts);
          if (hasEnded(state)) ends += 1;
        }
        expect(ends).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  test("the fold takes any sequence of facts", () => {
    const drafts: readonly Draft<RolloutFactType>[] = [
      ...last,
      { type: "release.failed", data: failed },
      { type: "rollout.paused", data: { paused: true, reason: "x" } },
      { type: "rollout.judged", data: judged("fail") },
      { type: "rollout.promoted", data: { modelVersion: V2, epoch: 5, override: true } },
      { type: "rollout.rolled-back", data: { modelVersion: V2, trigger: "person", reason: "x" } },
      { type: "rollout.aborted", data: { modelVersion: V2, reason: "x" } },
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...drafts), { maxLength: 30 }), (sequence) => {
        expect(given(...sequence).phase).toBeTypeOf("string");
      }),
    );
  });
});
