import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chooseTarget,
  planRollback,
  SAME_ROLLBACK_MS,
  type Readiness,
  type RollbackAsk,
} from "../../shared/domain/rollback-target.ts";
import {
  EMPTY_TRAFFIC,
  MOVES_MAX,
  versionWeights,
  type MoveKind,
  type TrafficDocument,
  type Weights,
} from "../../shared/domain/traffic.ts";
import { applyMove, versionsLeft } from "../../shared/domain/traffic-moves.ts";
import { dropGood, markCold, markGood } from "../../shared/domain/traffic-standing.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number | string) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3, v4] = [version(1), version(2), version(3), version(4)];
const start = Date.parse("2026-03-01T10:00:00.000Z");
const at = (seconds: number) => new Date(start + seconds * 1_000);

function move(
  document: TrafficDocument,
  kind: MoveKind,
  to: Weights,
  seconds = 0,
  request: { requestId?: string; requestHash?: string } = {},
) {
  return applyMove(endpoint, document, {
    kind,
    to,
    cause: `c${document.traffic.epoch}`,
    actor: "ada",
    reason: "r",
    time: at(seconds).toISOString(),
    hold: false,
    ...request,
  });
}

const promote = (document: TrafficDocument, next: string) => move(document, "advance", { [next]: 100 });

/** Versions 1, 2 and 3 promoted one after the other; 3 serves. */
function three(): TrafficDocument {
  const first = markGood(endpoint, move(EMPTY_TRAFFIC, "first", { [v1]: 100 }), v1, at(0).toISOString());
  return promote(promote(first, v2), v3);
}

const ask = (more: Partial<RollbackAsk> = {}): RollbackAsk => ({ now: at(3_600), ...more });

function targets(document: TrafficDocument, more: Partial<RollbackAsk> = {}) {
  const plan = planRollback(endpoint, document, ask(more));
  return plan.kind === "move" ? { from: plan.from, to: plan.targets.map((target) => target.version) } : plan;
}

describe("the target of a rollback", () => {
  it("is the version that held 100 % before the split", () => {
    const split = move(three(), "advance", { [v3]: 75, [v4]: 25 });
    expect(targets(split)).toEqual({ from: v4, to: [v3, v2, v1] });
    expect(targets(split, { from: v4 })).toEqual({ from: v4, to: [v3, v2, v1] });
  });

  it("is the version before the split also when that one never became good", () => {
    const first = move(EMPTY_TRAFFIC, "first", { [v1]: 100 });
    expect(targets(move(first, "advance", { [v1]: 50, [v2]: 50 }))).toEqual({ from: v2, to: [v1] });
  });

  it("is the latest earlier good version when one version holds 100 %", () => {
    expect(targets(three())).toEqual({ from: v3, to: [v2, v1] });
  });

  it("is never the version that is to be left", () => {
    const split = move(three(), "advance", { [v3]: 75, [v4]: 25 });
    expect(targets(split, { from: v3 })).toEqual({ from: v3, to: [v2, v1] });
  });

  it("leaves out what was rolled back, rejected or quarantined", () => {
    const back = move(three(), "rollback", { [v2]: 100 });
    expect(targets(promote(back, v4))).toEqual({ from: v4, to: [v2, v1] });
    expect(targets(dropGood(three(), v2))).toEqual({ from: v3, to: [v1] });
  });

  it("prefers warm versions, and among cold ones the newest", () => {
    const time = at(0).toISOString();
    const onlyFirstWarm = markCold(three(), v2, time);
    expect(targets(onlyFirstWarm)).toMatchObject({ to: [v1, v2] });
    expect(targets(markCold(onlyFirstWarm, v1, time))).toMatchObject({ to: [v2, v1] });
  });

  it("may be named, if it is in good standing", () => {
    expect(targets(three(), { to: v1 })).toEqual({ from: v3, to: [v1] });
    const back = move(three(), "rollback", { [v2]: 100 });
    expect(() => targets(back, { to: v3 })).toThrow(/not a version of .* In good standing: .*versions\/1/);
    expect(() => targets(three(), { from: v3, to: v3 })).toThrow(/to and from are both/);
  });

  it("is missing before any version, and when the only version never passed", () => {
    for (const document of [EMPTY_TRAFFIC, move(EMPTY_TRAFFIC, "first", { [v1]: 100 })]) {
      expect(() => targets(document)).toThrow(
        expect.objectContaining({ code: "FAILED_PRECONDITION", reason: "NO_GOOD_VERSION" }),
      );
    }
  });
});

describe("a rollback that has been done", () => {
  it("is answered when from no longer serves, with the move that took it off", () => {
    const back = move(three(), "rollback", { [v2]: 100 });
    expect(targets(back, { from: v3 })).toEqual({
      kind: "already-moved",
      from: v3,
      to: v2,
      weights: { [v2]: 100 },
      epoch: 4,
    });
  });

  it("is answered with the present state when that move has left the list", () => {
    let document = move(three(), "rollback", { [v2]: 100 });
    for (let turn = 0; turn < MOVES_MAX; turn++) {
      document = move(document, "advance", turn % 2 === 0 ? { [v2]: 50, [v4]: 50 } : { [v2]: 100 });
    }
    expect(targets(document, { from: v3 })).toMatchObject({
      kind: "already-moved",
      to: v2,
      epoch: 4 + MOVES_MAX,
    });
  });

  it("is not claimed for a version that never served", () => {
    expect(() => targets(three(), { from: v4 })).toThrow(/never held traffic/);
  });

  it("is answered when to holds 100 % already", () => {
    expect(targets(three(), { to: v3 })).toMatchObject({ kind: "already-moved", to: v3, epoch: 3 });
  });

  it("counts once for two people within 60 seconds who do not say from where, and twice afterwards", () => {
    const back = move(three(), "rollback", { [v2]: 100 }, 0);
    const almost = new Date(at(0).getTime() + SAME_ROLLBACK_MS - 1);
    expect(targets(back, { now: almost })).toEqual({
      kind: "already-moved",
      from: v3,
      to: v2,
      weights: { [v2]: 100 },
      epoch: 4,
    });
    expect(targets(back, { now: at(60) })).toEqual({ from: v2, to: [v1] });
    expect(targets(back, { now: almost, from: v2 })).toEqual({ from: v2, to: [v1] });
    expect(targets(back, { now: almost, to: v1 })).toEqual({ from: v2, to: [v1] });
  });

  it("is not confused with a rollback whose outcome no longer stands", () => {
    const back = move(three(), "rollback", { [v2]: 100 }, 0);
    const split = move(back, "advance", { [v2]: 95, [v4]: 5 }, 20);
    expect(targets(split, { now: at(30) })).toMatchObject({ from: v4, to: [v2, v1] });
  });

  it("is replayed by request id, whatever happened since, and refused for another content", () => {
    const back = move(three(), "rollback", { [v2]: 100 }, 0, { requestId: "r-1", requestHash: "h" });
    const later = promote(back, v4);
    expect(targets(later, { requestId: "r-1", requestHash: "h" })).toEqual({
      kind: "already-moved",
      from: v3,
      to: v2,
      weights: { [v2]: 100 },
      epoch: 4,
    });
    expect(() => targets(later, { requestId: "r-1", requestHash: "other" })).toThrow(
      expect.objectContaining({ code: "ALREADY_EXISTS", reason: "REQUEST_ID_REUSED" }),
    );
  });
});

describe("readiness", () => {
  const choose = (document: TrafficDocument, answers: Record<string, Readiness>, force = false) => {
    const plan = planRollback(endpoint, document, ask());
    if (plan.kind !== "move") throw new Error("nothing to choose");
    const { target, now } = chooseTarget(endpoint, plan.targets, new Map(Object.entries(answers)), force);
    return now ? target.version : `${target.version}, once warm`;
  };

  it("moves to a target that is ready or does not answer in time", () => {
    expect(choose(three(), { [v2]: "ready", [v1]: "ready" })).toBe(v2);
    expect(choose(three(), { [v2]: "unknown", [v1]: "ready" })).toBe(v2);
  });

  it("takes the next good version when a target is known dead or still starting", () => {
    expect(choose(three(), { [v2]: "dead", [v1]: "ready" })).toBe(v1);
    expect(choose(three(), { [v2]: "starting", [v1]: "unknown" })).toBe(v1);
  });

  it("refuses when every target is dead, unless forced", () => {
    expect(() => choose(three(), { [v2]: "dead", [v1]: "dead" })).toThrow(
      expect.objectContaining({ reason: "NO_GOOD_VERSION" }),
    );
    expect(choose(three(), { [v2]: "dead", [v1]: "dead" }, true)).toBe(v2);
  });

  it("warms the newest cold version first where no warm one can serve, and goes there at once when forced", () => {
    const time = at(0).toISOString();
    const cold = markCold(markCold(three(), v2, time), v1, time);
    expect(choose(cold, {})).toBe(`${v2}, once warm`);
    expect(choose(cold, {}, true)).toBe(v2);
    expect(choose(markCold(three(), v2, time), { [v1]: "ready" })).toBe(v1);
    expect(choose(markCold(three(), v2, time), { [v1]: "dead" })).toBe(`${v2}, once warm`);
  });

  it("waits for a warm version that is being started where no other can serve", () => {
    expect(choose(three(), { [v2]: "dead", [v1]: "starting" })).toBe(`${v1}, once warm`);
    expect(choose(three(), { [v2]: "cold", [v1]: "dead" })).toBe(`${v2}, once warm`);
  });
});

describe("every rollback", () => {
  it("ends at a version that held 100 % and was not taken back since", () => {
    let rollbacks = 0;
    const input = fc.record({
      action: fc.constantFrom("promote", "split", "rollback", "rollback"),
      candidate: fc.integer({ min: 1, max: 12 }).map(version),
      dead: fc.subarray(
        Array.from({ length: 12 }, (_, index) => version(index + 1)),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(fc.array(input, { minLength: 10, maxLength: 40 }), (inputs) => {
        let document = markGood(
          endpoint,
          move(EMPTY_TRAFFIC, "first", { [v1]: 100 }),
          v1,
          at(0).toISOString(),
        );
        const held = new Set([v1]);
        for (const { action, candidate, dead } of inputs) {
          const weights = versionWeights(document);
          const base = Object.keys(weights).length === 1 ? Object.keys(weights)[0] : undefined;
          if (action === "promote") {
            document = promote(document, candidate);
            held.add(candidate);
          } else if (action === "split" && base !== undefined && base !== candidate) {
            document = move(document, "advance", { [base]: 60, [candidate]: 40 });
          } else if (action === "rollback") {
            try {
              const plan = planRollback(endpoint, document, ask());
              if (plan.kind !== "move") throw new Error("no earlier rollback is within a minute");
              const readiness = new Map(dead.map((name) => [name, "dead"] as const));
              const { target } = chooseTarget(endpoint, plan.targets, readiness, false);
              expect(held).toContain(target.version);
              expect(dead).not.toContain(target.version);
              expect(target.version).not.toBe(plan.from);
              document = move(document, "rollback", { [target.version]: 100 });
              for (const left of versionsLeft(document.traffic.moves[0] ?? { from: {}, to: {} }))
                held.delete(left);
              rollbacks += 1;
            } catch (error) {
              expect(error).toMatchObject({ reason: "NO_GOOD_VERSION" });
            }
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(rollbacks).toBeGreaterThan(500);
  });
});
