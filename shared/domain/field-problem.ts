// From a schema's complaint to one field and one sentence that says what to write there.
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { remedyOfForms } from "./alternative-forms.ts";
import { type ControlPlaneError, invalidArgument } from "./errors.ts";
import { idRule } from "./names.ts";

/** One complaint of a JSON Schema validator, in the shape that TypeBox and Ajv share. */
export interface SchemaComplaint {
  readonly keyword: string;
  /** JSON pointer of the value at fault. */
  readonly instancePath: string;
  /** JSON pointer of the schema that was not met. */
  readonly schemaPath?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Longest list of names that a message repeats. */
const NAMES_SHOWN_MAX = 5;

/** Control characters, in 7 and 8 bits: shown as they are they would take the rest of a sentence with them. */
const CONTROL = /\p{Cc}/gu;

const shownName = (name: string): string =>
  name.replaceAll(CONTROL, (each) => `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);

const fieldOf = (prefix: string, pointer: string, key?: string): string => {
  const parts = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const path = key === undefined ? parts : [...parts, key];
  let field = prefix;
  for (const part of path) {
    if (/^\d+$/.test(part)) field += `[${part}]`;
    else field += field === "" ? part : `.${part}`;
  }
  return shownName(field).slice(0, 200);
};

const names = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.filter((each): each is string => typeof each === "string").slice(0, NAMES_SHOWN_MAX)
    : [];

/**
 * INVALID_ARGUMENT for the first complaint that says something: which field, what is wrong, what is right.
 * `prefix` is the path of the validated value in the request: empty for a body, `data` for an event's data.
 */
export function fieldProblem(complaints: readonly SchemaComplaint[], prefix = ""): ControlPlaneError {
  const choice = complaints.find(({ keyword }) => keyword === "anyOf");
  const extra = complaints.find(({ keyword }) => keyword === "additionalProperties");
  const first = complaints.find(({ keyword }) => keyword !== "boolean");
  // A field that one form does not know may be what another asks for.
  const remedy = choice === undefined ? undefined : remedyOfForms(complaints, choice);
  const complaint = (remedy === undefined ? (extra ?? choice) : choice) ?? first;
  if (complaint === undefined) return invalidArgument(prefix, "The request is not what the schema says.");
  const { keyword, instancePath, params = {}, message = "is not allowed" } = complaint;
  if (keyword === "additionalProperties") {
    const [key = "?"] = names(params["additionalProperties"]);
    const field = fieldOf(prefix, instancePath, key);
    return invalidArgument(
      field,
      `${field} is not a field that is known here: leave it out, or correct its name.`,
      "UNKNOWN_FIELD",
    );
  }
  if (keyword === "required") {
    const [key = "?"] = names(params["requiredProperties"]);
    const field = fieldOf(prefix, instancePath, key);
    return invalidArgument(field, `${field} is missing: add it.`, "MISSING_FIELD");
  }
  const field = fieldOf(prefix, instancePath) || "body";
  if (keyword === "anyOf" && remedy !== undefined)
    return invalidArgument(field, `${field} has none of the forms that are known here: ${remedy}.`);
  if (keyword === "anyOf") {
    const values = complaints
      .filter((each) => each.keyword === "const" && each.instancePath === instancePath)
      .map((each) => JSON.stringify(each.params?.["allowedValue"]));
    const right = values.length > 0 ? `write one of ${values.join(", ")}` : "see the schema of this request";
    return invalidArgument(field, `${field} is none of the allowed values: ${right}.`);
  }
  const rule = keyword === "pattern" ? idRule(String(params["pattern"])) : undefined;
  if (rule !== undefined)
    return invalidArgument(field, `${field} is not an allowed id: ${rule}.`, "INVALID_NAME");
  return invalidArgument(field, `${field} ${message}: correct it and send the request again.`);
}

/** INVALID_ARGUMENT for a part of the path that no resource's name can have. */
export function pathProblem(complaints: readonly SchemaComplaint[]): ControlPlaneError {
  const [complaint] = complaints;
  const pattern = complaint?.keyword === "pattern" ? String(complaint.params?.["pattern"]) : undefined;
  if (complaint === undefined || pattern === undefined) return fieldProblem(complaints);
  const key = fieldOf("", complaint.instancePath);
  return invalidArgument(
    key,
    `${key} in the path is not an allowed id: ${idRule(pattern) ?? `it must match ${pattern}`}.`,
    "INVALID_NAME",
  );
}

/** Throws INVALID_ARGUMENT unless the value is what the schema says; `prefix` as for `fieldProblem`. */
export function requireSchema(schema: TSchema, value: unknown, prefix: string): void {
  if (!Value.Check(schema, value))
    throw fieldProblem(Value.Errors(schema, value) as readonly SchemaComplaint[], prefix);
}
