// A rollout policy as people write it: a file with a `rollout:` block or with its fields alone, or the block of an endpoint.
import { readFileSync, statSync } from "node:fs";
import { parse } from "yaml";
import { formatDuration } from "../../shared/domain/duration.ts";
import { resolvePolicy, type RolloutPolicy } from "../../shared/domain/rollout-policy.ts";
import { CommandError, EXIT } from "../exit.ts";

/** Bytes of one policy file. */
export const POLICY_FILE_BYTES_MAX = 64 * 1_024;

/** A whole policy from what was written; what it does not say is as by default. */
export function policyFrom(written: unknown, where: string): RolloutPolicy {
  const resolved = resolvePolicy(written);
  if (resolved.kind === "policy") return resolved.policy;
  const lines = resolved.problems.map(({ path, message, remedy }) => `  ${path}: ${message} ${remedy}`);
  throw new CommandError(EXIT.usage, `${where} is not a rollout policy:\n${lines.join("\n")}`);
}

/** The policy in a YAML file. */
export function policyInFile(path: string): RolloutPolicy {
  let written: unknown;
  try {
    if (statSync(path).size > POLICY_FILE_BYTES_MAX)
      throw new Error(`it has more than ${POLICY_FILE_BYTES_MAX} bytes`);
    written = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(EXIT.usage, `The policy ${path} cannot be read: ${why}`, cause);
  }
  const block = (written as { readonly rollout?: unknown } | null)?.rollout;
  return policyFrom(block === undefined ? written : block, path);
}

/** The policy in one line. */
export function policyText({ steps, step, timeLimitMs, judge }: RolloutPolicy): string {
  const { tolerance, margin, unacceptable, noise } = judge.errors;
  return (
    `steps ${steps.join(", ")} %, each at least ${step.minSeconds} s and ${step.minRequests} requests, time limit ${formatDuration(timeLimitMs)}; ` +
    `tolerance ${Number((100 * tolerance).toPrecision(3))} %, margin ${margin}, unacceptable ${unacceptable}, noise ${noise}`
  );
}

/** Seconds as people read them: `35s`, `4m10s`; `–` for none. */
export const secondsText = (seconds: number | undefined): string =>
  seconds === undefined ? "–" : formatDuration(Math.round(seconds) * 1_000);
