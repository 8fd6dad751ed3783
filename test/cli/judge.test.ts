// `signalbox judge replay` on files: no control plane is needed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { callCli } from "./call-cli.ts";

/** Twenty minutes of 200 requests/s with 1 % errors, read every five seconds. */
function counters(): string {
  const lines = Array.from({ length: 240 }, (_, index) => ({
    time: new Date(Date.parse("2026-01-31T10:00:00Z") + index * 5_000).toISOString(),
    version: "1",
    requests: index * 1_000,
    errors: index * 10,
  }));
  return lines.map((line) => JSON.stringify(line)).join("\n");
}

test("a replay prints the false-rollback rate, the time to verdict and the time to see faults", async () => {
  const file = join(temporaryFolder(), "counters.jsonl");
  writeFileSync(file, counters());
  const { code, out, err } = await callCli(["judge", "replay", file, "--rollouts", "50"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^Policy: steps 5, 25, 50 %/);
  expect(out).toContain("19m55s of healthy traffic, 200.0 requests/s, 1 % errors");
  expect(out).toContain("False rollbacks: 0 of 50");
  expect(out).toMatch(/promoted after 3m \(median\)/);
  expect(out).toMatch(/10 times the errors: 100 % rolled back, after \d+s/);
});

test("a replay answers programs with the same figures, and the policy it used", async () => {
  const folder = temporaryFolder();
  const [file, policy] = [join(folder, "counters.jsonl"), join(folder, "policy.yaml")];
  writeFileSync(file, counters());
  writeFileSync(policy, "rollout:\n  steps: [50]\n  judge: { errors: { tolerance: 0.02 } }\n");
  const { code, out } = await callCli([
    "--json",
    "judge",
    "replay",
    file,
    "--rollouts",
    "20",
    "--policy",
    policy,
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    policy: { steps: [50], judge: { errors: { tolerance: 0.02 } } },
    recording: { seconds: 1_195, requests: 239_000, errors: 2_390 },
    healthy: { rollouts: 20, rolledBack: 0, falseRollbackRate: 0 },
    faults: [{ times: 3 }, { times: 10 }],
  });
});

test("what cannot be replayed says why and what to do", async () => {
  const folder = temporaryFolder();
  const [short, policy] = [join(folder, "short.jsonl"), join(folder, "policy.yaml")];
  writeFileSync(short, counters().split("\n").slice(0, 10).join("\n"));
  writeFileSync(policy, "steps: [0]\n");
  for (const [argv, expected, said] of [
    [[], 2, "Give a recording or --rollout"],
    [[join(folder, "nothing.jsonl")], 2, "cannot be read"],
    [[policy], 2, "Line 1 has no time"],
    [[short], 1, "Record longer"],
    [[short, "--policy", policy], 2, "is not a rollout policy"],
    [[short, "--rollouts", "0"], 2, "whole number"],
  ] as const) {
    const { code, out, err } = await callCli(["judge", "replay", ...argv]);
    expect([code, out]).toEqual([expected, ""]);
    expect(err).toContain(said);
  }
});
