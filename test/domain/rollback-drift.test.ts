// What a rollback has to do where somebody else changed the store, so that what was done does not hold there.
import { describe, expect, it } from "vitest";
import { backendName } from "../../shared/domain/backend.ts";
import { planRollback, type RollbackAsk } from "../../shared/domain/rollback-target.ts";
import { EMPTY_TRAFFIC, type TrafficDocument } from "../../shared/domain/traffic.ts";
import { applyMove, type MoveRequest } from "../../shared/domain/traffic-moves.ts";
import { markGood } from "../../shared/domain/traffic-standing.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3, v4] = [version(1), version(2), version(3), version(4)];
const start = Date.parse("2026-03-01T10:00:00.000Z");
const at = (seconds: number) => new Date(start + seconds * 1_000);
const time = at(0).toISOString();

const move = (
  document: TrafficDocument,
  kind: MoveRequest["kind"],
  to: string,
  more: Partial<MoveRequest> = {},
) =>
  applyMove(endpoint, document, {
    kind,
    to: { [to]: 100 },
    cause: `c${document.traffic.epoch}`,
    actor: "ada",
    reason: "r",
    time,
    ...more,
  });

/** Versions 1, 2 and 3 promoted one after the other, and back to 2. */
function back(more: Partial<MoveRequest> = {}): TrafficDocument {
  const first = markGood(endpoint, move(EMPTY_TRAFFIC, "first", v1), v1, time);
  return move(move(move(first, "advance", v2), "advance", v3), "rollback", v2, more);
}

function targets(document: TrafficDocument, more: Partial<RollbackAsk> = {}) {
  const plan = planRollback(endpoint, document, { now: at(3_600), ...more });
  return plan.kind === "move" ? { from: plan.from, to: plan.targets.map((target) => target.version) } : plan;
}

describe("a rollback that somebody undid in the store", () => {
  const drifted = (document: TrafficDocument, ...versions: readonly string[]): TrafficDocument => ({
    ...document,
    drift: Object.fromEntries(versions.map((name) => [backendName(endpoint, name), 1])),
  });
  const right = { kind: "put-right", to: v2, weights: { [v2]: 100 }, epoch: 4 };

  it("is put right where the version still gets requests, one that never served too", () => {
    expect(targets(drifted(back(), v3), { from: v3 })).toEqual({ ...right, from: v3 });
    expect(targets(drifted(back(), v2, v4), { from: v4 })).toEqual({ ...right, from: v4 });
    expect(targets(drifted(back(), v3), { now: at(1) })).toEqual({ ...right, from: v3 });
    expect(targets(drifted(back(), v1), { to: v2 })).toEqual({ ...right, from: v3 });
  });

  it("stays as it is where what was asked holds in spite of it", () => {
    expect(targets(drifted(back(), v1), { from: v3 })).toMatchObject({ kind: "already-moved", to: v2 });
    expect(targets(drifted(back(), v1), { now: at(1) })).toMatchObject({ kind: "already-moved", to: v2 });
    expect(() => targets(drifted(back(), v1), { from: v4 })).toThrow(/never held traffic/);
  });

  it("moves from what the document says where nobody says from where: a hand may have moved first", () => {
    expect(targets(drifted(back(), v1), { now: at(90) })).toEqual({ from: v2, to: [v1] });
  });

  it("is left alone by a replay of an old request", () => {
    const old = { requestId: "r-1", requestHash: "h" };
    const undone = drifted(back(old), v3);
    expect(targets(undone, { from: v3, ...old })).toMatchObject({ kind: "already-moved", to: v2 });
  });
});
