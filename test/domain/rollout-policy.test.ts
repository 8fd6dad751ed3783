import * as fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../shared/domain/duration.ts";
import { ROLLOUT_POLICY_DEFAULTS, resolvePolicy, RolloutPolicy } from "../../shared/domain/rollout-policy.ts";

function problemsOf(written: unknown) {
  const resolved = resolvePolicy(written);
  return resolved.kind === "invalid" ? resolved.problems : [];
}

describe("durations", () => {
  it("are read with every unit and in sums", () => {
    expect(["500ms", "60s", "1.5m", "1h30m", "7d"].map(parseDuration)).toEqual([
      500, 60_000, 90_000, 5_400_000, 604_800_000,
    ]);
  });

  it("are refused without a unit, with a sign, with spaces, or too long", () => {
    for (const text of ["", "60", "-5s", "5 s", "s", "1y", "PT1M", "1s".repeat(30), "9".repeat(20) + "d"]) {
      expect(parseDuration(text), text).toBeUndefined();
    }
  });

  it("are written so that they read back the same", () => {
    expect(formatDuration(5_400_000)).toBe("1h30m");
    expect(formatDuration(0)).toBe("0s");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });
});

describe("the rollout policy", () => {
  it("is the default where nothing is written", () => {
    expect(resolvePolicy(undefined)).toEqual({ kind: "policy", policy: ROLLOUT_POLICY_DEFAULTS });
    expect(resolvePolicy({})).toEqual({ kind: "policy", policy: ROLLOUT_POLICY_DEFAULTS });
    expect(Value.Check(RolloutPolicy, ROLLOUT_POLICY_DEFAULTS)).toBe(true);
  });

  it("takes what is written and fills the gaps, so that the whole of it can be copied", () => {
    const resolved = resolvePolicy({
      steps: [10, 50],
      step: { minSeconds: 5, minRequests: 40 },
      timeLimit: "10m",
      standby: "1h",
      judge: { window: "1s", look: "1s", scrape: "1s", errors: { tolerance: 0.02 } },
    });
    if (resolved.kind !== "policy") throw new Error(JSON.stringify(resolved.problems));
    expect(Value.Check(RolloutPolicy, resolved.policy)).toBe(true);
    expect(resolved.policy).toMatchObject({
      onRegistered: "queue",
      steps: [10, 50],
      step: { minSeconds: 5, minRequests: 40 },
      timeLimitMs: 600_000,
      standbyMs: 3_600_000,
      judge: {
        windowMs: 1_000,
        lookMs: 1_000,
        scrapeMs: 1_000,
        errors: { tolerance: 0.02, margin: 1.25, unacceptable: 2 },
      },
    });
  });

  it("names each field at fault with its remedy", () => {
    const problems = problemsOf({
      steps: [5, 100],
      onRegistered: "now",
      judge: { errors: { tolerance: "1 %", toleranse: 1 } },
      limit: 3,
    });
    expect(problems.map(({ path }) => path).sort()).toEqual([
      "judge.errors.tolerance",
      "judge.errors.toleranse",
      "limit",
      "onRegistered",
      "steps[1]",
    ]);
    for (const { message, remedy } of problems) {
      expect(message.length).toBeGreaterThan(10);
      expect(remedy).toMatch(/^(Write|Remove)/);
    }
    expect(problems.find(({ path }) => path === "judge.errors.toleranse")?.remedy).toContain("tolerance");
    expect(problemsOf("fast")[0]?.remedy).toContain("block of fields");
  });

  it("refuses durations that cannot be read, are zero, or last more than a week", () => {
    for (const text of ["soon", "0s", "8d"]) {
      expect(problemsOf({ timeLimit: text })).toMatchObject([{ path: "timeLimit" }]);
    }
    expect(problemsOf({ standby: "0s" })).toEqual([]);
  });

  it("refuses fields that do not fit together", () => {
    const conflicts: readonly (readonly [unknown, string])[] = [
      [{ steps: [25, 5] }, "steps"],
      [{ steps: [5, 5] }, "steps"],
      [{ timeLimit: "2m" }, "timeLimit"],
      [{ judge: { window: "1s" } }, "judge.window"],
      [{ judge: { errors: { margin: 2 } } }, "judge.errors.unacceptable"],
      [{ judge: { errors: { fastMargin: 1.1 } } }, "judge.errors.fastMargin"],
    ];
    for (const [written, path] of conflicts)
      expect(problemsOf(written), JSON.stringify(written)).toMatchObject([{ path }]);
  });

  it("never throws, whatever is written", () => {
    fc.assert(
      fc.property(fc.anything(), (written) => ["policy", "invalid"].includes(resolvePolicy(written).kind)),
    );
  });
});
