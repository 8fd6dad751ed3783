import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backendName } from "../../shared/domain/backend.ts";
import {
  baseVersion,
  EMPTY_TRAFFIC,
  GOOD_MAX,
  MOVES_MAX,
  servedVersions,
  versionWeights,
  type MoveKind,
  type TrafficDocument,
  type Weights,
} from "../../shared/domain/traffic.ts";
import { parseTrafficDocument, trafficProblems } from "../../shared/domain/traffic-document.ts";
import { applyMove, REASON_CHARACTERS_MAX, versionsLeft } from "../../shared/domain/traffic-moves.ts";
import {
  clearHold,
  dropGood,
  markCold,
  markGood,
  markWarm,
  setHold,
} from "../../shared/domain/traffic-standing.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number | string) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3] = [version(1), version(2), version(3)];
const time = "2026-03-01T10:00:00.000Z";

function move(
  document: TrafficDocument,
  kind: MoveKind,
  to: Weights,
  more: { reason?: string; hold?: boolean } = {},
) {
  return applyMove(endpoint, document, {
    kind,
    to,
    cause: `cause-${kind}`,
    actor: "ada",
    reason: "because",
    time,
    ...more,
  });
}

/** Version 1 first and good, then version 2 promoted in two steps. */
function promoted(): TrafficDocument {
  const first = markGood(endpoint, move(EMPTY_TRAFFIC, "first", { [v1]: 100 }), v1, time);
  return move(move(first, "advance", { [v1]: 95, [v2]: 5 }), "advance", { [v2]: 100 });
}

describe("a move of traffic", () => {
  it("puts a first version at 100 % without calling it good", () => {
    const document = move(EMPTY_TRAFFIC, "first", { [v1]: 100 });
    expect(document.weights).toEqual({ [backendName(endpoint, v1)]: 100 });
    expect(document.traffic.epoch).toBe(1);
    expect(document.traffic.good).toEqual([]);
    expect(document.resourceVersion).toBe(0);
  });

  it("keeps epoch, cause, actor, reason, both splits and time, newest first", () => {
    const { moves } = promoted().traffic;
    expect(moves.map((entry) => entry.epoch)).toEqual([3, 2, 1]);
    expect(moves[1]).toEqual({
      epoch: 2,
      cause: "cause-advance",
      kind: "advance",
      actor: "ada",
      reason: "because",
      from: { [v1]: 100 },
      to: { [v1]: 95, [v2]: 5 },
      time,
    });
  });

  it("leaves zeros out of the weights", () => {
    const document = move(promoted(), "advance", { [v2]: 100, [v3]: 0 });
    expect(versionWeights(document)).toEqual({ [v2]: 100 });
  });

  it("puts a promoted version first among the good ones", () => {
    expect(promoted().traffic.good.map((entry) => [entry.version, entry.state])).toEqual([
      [v2, "warm"],
      [v1, "warm"],
    ]);
  });

  it("strikes out of the good list what a rollback left, and holds the endpoint", () => {
    const document = move(promoted(), "rollback", { [v1]: 100 }, { reason: "wrong prices" });
    expect(document.traffic.good.map((entry) => entry.version)).toEqual([v1]);
    expect(document.traffic.hold).toEqual({
      cause: "cause-rollback",
      actor: "ada",
      reason: "wrong prices",
      time,
    });
    expect(document.traffic.moves[0] && versionsLeft(document.traffic.moves[0])).toEqual([v2]);
  });

  it("keeps an older hold through a rollback, and sets none when the policy asks for none", () => {
    const held = setHold(promoted(), { cause: "earlier", actor: "grace", reason: "audit", time });
    expect(move(held, "rollback", { [v1]: 100 }).traffic.hold?.cause).toBe("earlier");
    expect(move(promoted(), "rollback", { [v1]: 100 }, { hold: false }).traffic.hold).toBeNull();
  });

  it("neither holds nor strikes out on abort and replace", () => {
    for (const kind of ["abort", "replace"] as const) {
      const split = move(promoted(), "advance", { [v2]: 75, [v3]: 25 });
      const document = move(split, kind, { [v2]: 100 });
      expect(document.traffic.hold).toBeNull();
      expect(document.traffic.good.map((entry) => entry.version)).toEqual([v2, v1]);
    }
  });

  it("refuses to move forward during a hold, but rolls back and aborts", () => {
    const held = setHold(promoted(), { cause: "c", actor: "grace", reason: "audit", time });
    expect(() => move(held, "advance", { [v2]: 95, [v3]: 5 })).toThrow(/is held since .* resume it/);
    expect(move(held, "abort", { [v2]: 100 }).traffic.epoch).toBe(4);
    expect(move(held, "rollback", { [v1]: 100 }).traffic.epoch).toBe(4);
  });

  it.each([
    ["advance", { [v2]: 90, [v3]: 5 }, /sum to 100/],
    ["advance", { [v2]: 99.5, [v3]: 0.5 }, /whole percents/],
    ["advance", { [v2]: 110, [v3]: -10 }, /whole percents/],
    ["advance", {}, /sum to 100/],
    ["rollback", { [v1]: 50, [v2]: 50 }, /one version takes all/],
    ["first", { [v3]: 100 }, /already serves/],
  ] as const)("refuses a %s to %j", (kind, to, message) => {
    expect(() => move(promoted(), kind, to as Weights)).toThrow(message);
  });

  it("cuts a reason that would not fit", () => {
    const document = move(promoted(), "rollback", { [v1]: 100 }, { reason: "x".repeat(5_000) });
    expect(document.traffic.moves[0]?.reason).toHaveLength(REASON_CHARACTERS_MAX);
    expect(document.traffic.hold?.reason).toHaveLength(REASON_CHARACTERS_MAX);
  });

  it("names the version that each weighted backend serves", () => {
    const split = move(promoted(), "advance", { [v2]: 75, [v3]: 25 });
    expect(servedVersions(endpoint, split)).toEqual(
      new Map([
        [backendName(endpoint, v2), v2],
        [backendName(endpoint, v3), v3],
      ]),
    );
  });
});

describe("the base of a split", () => {
  it("is the version at 100 % when there is no split", () => {
    expect(baseVersion(promoted())).toBe(v2);
    expect(baseVersion(EMPTY_TRAFFIC)).toBeUndefined();
  });

  it("is the version that held 100 % before, also when it never became good", () => {
    const first = move(EMPTY_TRAFFIC, "first", { [v1]: 100 });
    expect(baseVersion(move(first, "advance", { [v1]: 50, [v2]: 50 }))).toBe(v1);
  });

  it("is found after more steps than the list of moves holds", () => {
    let document = promoted();
    for (let step = 1; step <= MOVES_MAX + 4; step++) {
      document = move(document, "advance", { [v2]: 100 - step, [v3]: step });
    }
    expect(baseVersion(document)).toBe(v2);
  });
});

describe("standing", () => {
  it("calls good only what holds 100 %", () => {
    const split = move(promoted(), "advance", { [v2]: 75, [v3]: 25 });
    expect(markGood(endpoint, split, v3, time)).toBe(split);
    expect(markGood(endpoint, promoted(), v1, time).traffic.good[0]?.version).toBe(v2);
  });

  it("marks a version cold only when it has no weight, and warm when traffic comes back", () => {
    const cold = markCold(promoted(), v1, time);
    expect(cold.traffic.good.map((entry) => entry.state)).toEqual(["warm", "cold"]);
    expect(cold.traffic.epoch).toBe(3);
    expect(() => markCold(promoted(), v2, time)).toThrow(/holds 100 % of the traffic/);
    expect(move(cold, "rollback", { [v1]: 100 }).traffic.good[0]).toMatchObject({
      version: v1,
      state: "warm",
    });
    expect(markWarm(cold, v1, time).traffic.good[1]?.state).toBe("warm");
  });

  it("answers the very document when there is nothing to change", () => {
    const document = promoted();
    expect(markCold(document, v3, time)).toBe(document);
    expect(markWarm(document, v1, time)).toBe(document);
    expect(dropGood(document, v3)).toBe(document);
    expect(clearHold(document, time)).toBe(document);
    const held = setHold(document, { cause: "c", actor: "a", reason: "r", time });
    expect(setHold(held, { cause: "d", actor: "a", reason: "r", time })).toBe(held);
    expect(clearHold(held, time).traffic.hold).toBeNull();
  });

  it("drops a quarantined version and leaves its traffic", () => {
    const document = dropGood(promoted(), v2);
    expect(document.traffic.good.map((entry) => entry.version)).toEqual([v1]);
    expect(versionWeights(document)).toEqual({ [v2]: 100 });
  });
});

describe("a stored document", () => {
  it("reads back as it was written", () => {
    const stored: unknown = JSON.parse(JSON.stringify(promoted()));
    expect(parseTrafficDocument(endpoint, stored)).toEqual({ kind: "document", document: promoted() });
  });

  it.each([
    [
      "a gap in the epochs",
      (document: TrafficDocument) => ({ ...document, traffic: { ...document.traffic, epoch: 9 } }),
    ],
    ["weights that no move made", (document: TrafficDocument) => ({ ...document, weights: { other: 100 } })],
    ["another schema", (document: TrafficDocument) => ({ ...document, schema: 2 })],
    ["an unknown field", (document: TrafficDocument) => ({ ...document, extra: true })],
    ["nothing", () => undefined],
  ])("is refused with %s", (_, spoil) => {
    const parsed = parseTrafficDocument(endpoint, spoil(promoted()));
    expect(parsed.kind === "problems" && parsed.problems.length).toBeGreaterThan(0);
  });

  it("keeps every invariant through any history of moves, marks and holds", () => {
    const id = fc.integer({ min: 1, max: 8 }).map(version);
    const command = fc.oneof(
      fc.record({
        kind: fc.constantFrom<MoveKind>("first", "advance", "rollback", "abort", "replace"),
        one: id,
        other: id,
        share: fc.integer({ min: 0, max: 100 }),
      }),
      fc.record({
        mark: fc.constantFrom("good", "cold", "warm", "drop", "hold", "resume", "resume"),
        one: id,
      }),
    );
    let changes = 0;
    const step = (
      document: TrafficDocument,
      input: typeof command extends fc.Arbitrary<infer T> ? T : never,
    ) => {
      if ("kind" in input)
        return move(document, input.kind, {
          [input.one]: input.share,
          [input.other]: input.one === input.other ? 100 : 100 - input.share,
        });
      switch (input.mark) {
        case "good":
          return markGood(endpoint, document, input.one, time);
        case "cold":
          return markCold(document, input.one, time);
        case "warm":
          return markWarm(document, input.one, time);
        case "drop":
          return dropGood(document, input.one);
        case "hold":
          return setHold(document, { cause: "c", actor: "a", reason: "r", time });
        default:
          return clearHold(document, time);
      }
    };
    fc.assert(
      fc.property(fc.array(command, { minLength: 20, maxLength: 60 }), (inputs) => {
        let document = EMPTY_TRAFFIC;
        for (const input of inputs) {
          let next = document;
          try {
            next = step(document, input);
          } catch (error) {
            expect(error).toMatchObject({ name: "ControlPlaneError" });
          }
          if (next !== document) changes += 1;
          const moved = "kind" in input && next !== document;
          expect(next.traffic.epoch).toBe(document.traffic.epoch + (moved ? 1 : 0));
          document = next;
          expect(trafficProblems(endpoint, document)).toEqual([]);
          expect(document.traffic.good.length).toBeLessThanOrEqual(GOOD_MAX);
          expect(document.traffic.moves.length).toBeLessThanOrEqual(MOVES_MAX);
        }
      }),
      { numRuns: 300 },
    );
    expect(changes).toBeGreaterThan(1_000);
  });
});
