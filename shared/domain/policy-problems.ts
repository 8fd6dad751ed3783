// What can be wrong with a rollout policy, said so that the writer can mend it.
import type { TSchema } from "typebox";
import type { TLocalizedValidationError } from "typebox/error";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** One thing that is wrong with a policy. */
export interface PolicyProblem {
  /** Where, inside the `rollout:` block, such as `judge.errors.tolerance` or `steps[1]`; empty for the block itself. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/** Most problems that are reported at once. */
const PROBLEMS_MAX = 20;

/** What to write at a path; array positions are dropped before the look-up. */
const REMEDIES: Readonly<Record<string, string>> = {
  "": "Write the policy as a block of fields, or leave it out for the defaults.",
  advanceOn: "Write minimums or pass.",
  hold: "Write true or false.",
  onInconclusive: "Write rollback or hold.",
  onRegistered: "Write queue, replace or ignore.",
  steps:
    "Write 1 to 20 whole percentages from 1 to 99, such as [5, 25, 50]; 100 is the promotion and not a step.",
  step: "Write a block with minSeconds and minRequests.",
  "step.minSeconds": "Write a number of seconds from 0 to 86400.",
  "step.minRequests": "Write a whole number of requests from 0 up.",
  standby: "Write a duration such as 30m.",
  timeLimit: "Write a duration such as 60m.",
  judge: "Write a block with window, look, scrape or errors.",
  "judge.window": "Write a duration such as 5s.",
  "judge.look": "Write a duration such as 5s.",
  "judge.scrape": "Write a duration such as 5s.",
  "judge.errors": "Write a block with tolerance, margin, unacceptable and the like.",
  "judge.errors.tolerance": "Write a rate above 0 and up to 0.5, such as 0.01 for 1 %.",
  "judge.errors.margin": "Write a ratio of at least 1, such as 1.25.",
  "judge.errors.unacceptable": "Write a ratio above the margin, such as 2.",
  "judge.errors.passAlpha": "Write a chance above 0 and up to 0.2, such as 0.05.",
  "judge.errors.failAlpha": "Write a chance above 0 and up to 0.2, such as 0.01.",
  "judge.errors.fastMargin": "Write a ratio not below the margin, such as 3.",
  "judge.errors.fastAlpha": "Write a chance above 0 and up to 0.2, such as 0.001.",
  "judge.errors.noise": "Write a coefficient of variation from 0 to 2, such as 0.3.",
};

/** `/judge/errors/tolerance` → `judge.errors.tolerance`, `/steps/1` → `steps[1]`. */
const pathOf = (pointer: string): string =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");

/** Fields that the schema knows at a path, for the remedy of an unknown one. */
function knownFields(schema: TSchema, pointer: string): string {
  let node: unknown = schema;
  for (const part of pointer.split("/").slice(1)) node = Reflect.get(fieldsOf(node), part);
  return Object.keys(fieldsOf(node)).join(", ");
}

const fieldsOf = (node: unknown): object => {
  const fields: unknown = typeof node === "object" && node !== null && Reflect.get(node, "properties");
  return typeof fields === "object" && fields !== null ? fields : {};
};

/** The validator's errors in our words: one problem a place, unknown fields by name. */
export function schemaProblems(
  schema: TSchema,
  errors: readonly TLocalizedValidationError[],
): readonly PolicyProblem[] {
  const problems = new Map<string, PolicyProblem>();
  for (const error of errors) {
    if (error.keyword === "boolean") continue;
    const path = pathOf(error.instancePath);
    if (error.keyword === "additionalProperties") {
      const known = knownFields(schema, error.instancePath);
      for (const name of error.params.additionalProperties) {
        const full = path === "" ? name : `${path}.${name}`;
        const remedy = `Remove it or correct its name; known here: ${known}.`;
        problems.set(full, { path: full, message: `There is no field ${JSON.stringify(full)}.`, remedy });
      }
      continue;
    }
    const remedy =
      REMEDIES[path.replaceAll(/\[\d+\]/g, "")] ??
      "Write a value that the documentation of the policy allows.";
    if (!problems.has(path))
      problems.set(path, { path, message: `${path || "The policy"} ${error.message}.`, remedy });
  }
  return [...problems.values()].slice(0, PROBLEMS_MAX);
}

/** Fields that are each allowed but do not fit together. */
export function policyConflicts(policy: RolloutPolicy): readonly PolicyProblem[] {
  const { steps, step, judge } = policy;
  const { errors } = judge;
  const problems: PolicyProblem[] = [];
  const refuseIf = (wrong: boolean, path: string, message: string, remedy = REMEDIES[path] ?? ""): void => {
    if (wrong) problems.push({ path, message, remedy });
  };
  const rising = steps.every((weight, index) => index === 0 || weight > (steps[index - 1] ?? 0));
  refuseIf(
    !rising,
    "steps",
    `The steps ${steps.join(", ")} do not rise.`,
    "Write them in rising order, each once.",
  );
  refuseIf(
    errors.unacceptable <= errors.margin,
    "judge.errors.unacceptable",
    `unacceptable (${errors.unacceptable}) is not above margin (${errors.margin}): no version could be between good and bad.`,
  );
  refuseIf(
    errors.fastMargin < errors.margin,
    "judge.errors.fastMargin",
    `fastMargin (${errors.fastMargin}) is below margin (${errors.margin}): the fast lane would be the stricter one.`,
  );
  const shortestMs = steps.length * step.minSeconds * 1_000;
  refuseIf(
    policy.timeLimitMs <= shortestMs,
    "timeLimit",
    `timeLimit (${policy.timeLimitMs / 1_000} s) is over before the steps can be (${shortestMs / 1_000} s at least).`,
    "Raise timeLimit, or lower step.minSeconds or the number of steps.",
  );
  refuseIf(
    judge.windowMs < judge.scrapeMs,
    "judge.window",
    `window (${judge.windowMs} ms) is shorter than scrape (${judge.scrapeMs} ms): most windows would be empty.`,
    "Make window at least as long as scrape.",
  );
  return problems;
}
