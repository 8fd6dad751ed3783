// Which texts of a plan are sensitive, also where Terraform has lost the mark.
// A provider may copy a marked value into an attribute that is not marked: `terraform_data` does so with `output`.
import type { PlanJson } from "./plan-json.ts";
import { leaves, markedValues } from "./plan-values.ts";

/** Shorter texts are masked only where Terraform marks them: they would match half of every log. */
export const SECRET_LENGTH_MIN = 4;

/** Every text among the sensitive variables and values of a plan, longest first. */
export function sensitiveTexts(plan: PlanJson): readonly string[] {
  const declared = plan.configuration?.root_module?.variables ?? {};
  const variables = Object.entries(plan.variables ?? {})
    .filter(([name]) => Object.hasOwn(declared, name) && declared[name]?.sensitive === true)
    .map(([, { value }]) => value);
  const resources = (plan.resource_changes ?? []).map(({ change }) => change);
  const marked = [...resources, ...Object.values(plan.output_changes ?? {})].flatMap((change) => [
    ...markedValues(change.before ?? null, change.before_sensitive),
    ...markedValues(change.after ?? null, change.after_sensitive),
  ]);
  const texts = [...variables, ...marked].flatMap((value) => leaves(value).map((leaf) => leaf.value));
  const plain = texts.filter((value) => typeof value === "string" || typeof value === "number").map(String);
  return [...new Set(plain)]
    .filter(({ length }) => length >= SECRET_LENGTH_MIN)
    .toSorted((one, other) => other.length - one.length);
}

/** Puts every text of the value that holds one of the secrets through `replace`; keys are texts too. */
export function replaceSecrets(
  value: unknown,
  secrets: readonly string[],
  replace: (text: string) => unknown,
): unknown {
  const holds = (text: string): boolean => secrets.some((secret) => text.includes(secret));
  if (typeof value === "string") return holds(value) ? replace(value) : value;
  if (typeof value === "number") return holds(String(value)) ? replace(String(value)) : value;
  if (Array.isArray(value)) return value.map((item) => replaceSecrets(item, secrets, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      holds(key) ? JSON.stringify(replace(key)) : key,
      replaceSecrets(item, secrets, replace),
    ]),
  );
}
