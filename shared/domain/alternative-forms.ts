// What to do about a value that has none of several forms: for each form, what is missing and what is too much.
import type { SchemaComplaint } from "./field-problem.ts";

const names = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];

function remedyOf(complaints: readonly SchemaComplaint[]): string | undefined {
  const missing = complaints.flatMap(({ params = {} }) => names(params["requiredProperties"]));
  const extra = complaints.flatMap(({ params = {} }) => names(params["additionalProperties"]));
  const steps = [
    ...(missing.length === 0 ? [] : [`add ${missing.join(" and ")}`]),
    ...(extra.length === 0 ? [] : [`leave out ${extra.join(" and ")}`]),
  ];
  return steps.length === 0 ? undefined : steps.join(" and ");
}

/**
 * `either add a, or leave out b`, from the complaints about one object for which there are several forms; undefined where a
 * form differs by more than the presence of fields, or where the choice is between plain values.
 */
export function remedyOfForms(
  complaints: readonly SchemaComplaint[],
  choice: SchemaComplaint,
): string | undefined {
  const prefix = `${choice.schemaPath ?? ""}/anyOf/`;
  const forms = new Map<string, SchemaComplaint[]>();
  for (const complaint of complaints) {
    if (complaint.schemaPath?.startsWith(prefix) !== true || complaint.keyword === "boolean") continue;
    const [index = ""] = complaint.schemaPath.slice(prefix.length).split("/", 1);
    forms.set(index, [...(forms.get(index) ?? []), complaint]);
  }
  const remedies = [...forms.values()].map((form) =>
    form.every(({ instancePath }) => instancePath === choice.instancePath) ? remedyOf(form) : undefined,
  );
  if (remedies.length === 0 || remedies.includes(undefined)) return undefined;
  return remedies.length === 1 ? remedies[0] : `either ${remedies.join(", or ")}`;
}
