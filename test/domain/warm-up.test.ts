// A rollback to a cold version as it stands in the traffic document: at most one under way, and always an end.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backendName } from "../../shared/domain/backend.ts";
import {
  EMPTY_TRAFFIC,
  OPERATIONS_MAX,
  type TrafficDocument,
  type WarmUp,
} from "../../shared/domain/traffic.ts";
import { parseTrafficDocument } from "../../shared/domain/traffic-document.ts";
import { applyMove, type MoveRequest } from "../../shared/domain/traffic-moves.ts";
import { clearHold, markCold, markGood } from "../../shared/domain/traffic-standing.ts";
import { acceptWarmUp, failWarmUp, openWarmUp } from "../../shared/domain/warm-up.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (id: number): string => `teams/default/models/ranker/versions/${id}`;
const [v1, v2, v3] = [version(1), version(2), version(3)];
const time = "2026-03-01T10:00:00.000Z";

const move = (document: TrafficDocument, kind: MoveRequest["kind"], to: MoveRequest["to"]): TrafficDocument =>
  applyMove(ENDPOINT, document, {
    kind,
    to,
    cause: `c${document.traffic.epoch}`,
    actor: "ada",
    reason: "r",
    time,
  });

/** v1 is cold, v2 serves. */
function coldOne(): TrafficDocument {
  const first = markGood(ENDPOINT, move(EMPTY_TRAFFIC, "first", { [v1]: 100 }), v1, time);
  return markCold(move(first, "advance", { [v2]: 100 }), v1, time, 4_000);
}

const warmUp = (id: string, to = v1, from = v2): WarmUp => ({
  id,
  cause: `rollback/${id}`,
  from,
  to,
  backend: backendName(ENDPOINT, to),
  actor: "grace",
  reason: "wrong prices",
  time,
  eta: time,
});

const endOf = (document: TrafficDocument, id: string) =>
  document.traffic.operations?.find((operation) => operation.id === id)?.end;

describe("a warm-up", () => {
  test("holds the endpoint and leaves the traffic where it is", () => {
    const before = coldOne();
    const document = acceptWarmUp(before, warmUp("a"));
    expect(document.weights).toEqual(before.weights);
    expect(document.traffic.epoch).toBe(before.traffic.epoch);
    expect(document.traffic.hold).toMatchObject({ actor: "grace", reason: "wrong prices" });
    expect(() => move(document, "advance", { [v3]: 5, [v2]: 95 })).toThrow(
      expect.objectContaining({ reason: "ENDPOINT_HELD" }),
    );
  });

  test("is done when its version takes all traffic, which makes it warm", () => {
    const document = move(acceptWarmUp(coldOne(), warmUp("a")), "rollback", { [v1]: 100 });
    expect(endOf(document, "a")).toEqual({ time, epoch: 3 });
    expect(document.traffic.good[0]).toEqual({
      version: v1,
      backend: backendName(ENDPOINT, v1),
      state: "warm",
      since: time,
    });
  });

  test("has lost its purpose when the version that was to be left has lost its traffic otherwise", () => {
    const three = move(coldOne(), "advance", { [v3]: 100 });
    const document = move(acceptWarmUp(three, warmUp("a", v1, v3)), "rollback", { [v2]: 100 });
    expect(endOf(document, "a")?.failure).toMatchObject({ code: "ABORTED", reason: "SUPERSEDED" });
  });

  test("goes on while another move leaves what it is to leave in place", () => {
    const split = move(coldOne(), "advance", { [v3]: 10, [v2]: 90 });
    const document = move(acceptWarmUp(split, warmUp("a")), "abort", { [v2]: 100 });
    expect(openWarmUp(document)?.id).toBe("a");
  });

  test("gives way to a newer wish, and is given up when the endpoint is resumed", () => {
    const twice = acceptWarmUp(acceptWarmUp(coldOne(), warmUp("a")), warmUp("b", v3));
    expect(endOf(twice, "a")?.failure?.reason).toBe("SUPERSEDED");
    expect(openWarmUp(twice)?.id).toBe("b");
    const resumed = clearHold(twice, time);
    expect(openWarmUp(resumed)).toBeUndefined();
    expect(endOf(resumed, "b")?.failure?.reason).toBe("RESUMED");
  });

  test("that failed leaves traffic and hold, and a late failure of an older one changes nothing", () => {
    const problem = { code: "FAILED_PRECONDITION", reason: "TARGET_FAILED", message: "m" } as const;
    const document = acceptWarmUp(coldOne(), warmUp("a"));
    expect(failWarmUp(document, "other", time, problem)).toBe(document);
    const failed = failWarmUp(document, "a", time, problem);
    expect(endOf(failed, "a")?.failure).toEqual(problem);
    expect(failed.traffic.hold).not.toBeNull();
    expect(failWarmUp(failed, "a", time, problem)).toBe(failed);
  });
});

test("whatever happens: at most one is under way, its version has no traffic of its own, and the document can be read", () => {
  let accepted = 0;
  const step = fc.record({
    kind: fc.constantFrom("accept", "accept", "rollback", "advance", "abort", "resume", "fail", "cold"),
    one: fc.integer({ min: 1, max: 5 }).map(version),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 50 }), (steps) => {
      let document = coldOne();
      for (const [index, { kind, one }] of steps.entries()) {
        const [from = v2] = Object.keys(document.traffic.moves[0]?.to ?? {});
        try {
          if (kind === "accept" && document.traffic.moves[0]?.to[one] === undefined) {
            document = acceptWarmUp(document, warmUp(`w${index}`, one, from));
            accepted += 1;
          } else if (kind === "resume") document = clearHold(document, time);
          else if (kind === "cold") document = markCold(document, one, time);
          else if (kind === "fail") {
            const id = openWarmUp(document)?.id ?? "none";
            document = failWarmUp(document, id, time, { code: "ABORTED", reason: "R", message: "m" });
          } else if (kind !== "accept") document = move(document, kind, { [one]: 100 });
        } catch (error) {
          expect(error).toHaveProperty("code");
        }
        const operations = document.traffic.operations ?? [];
        expect(operations.length).toBeLessThanOrEqual(OPERATIONS_MAX);
        const open = openWarmUp(document);
        if (open !== undefined) expect(document.traffic.moves[0]?.to[open.to]).toBeUndefined();
        expect(parseTrafficDocument(ENDPOINT, JSON.parse(JSON.stringify(document))).kind).toBe("document");
      }
    }),
    { numRuns: 200 },
  );
  expect(accepted).toBeGreaterThan(200);
});
