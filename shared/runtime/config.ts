// Configuration from the environment: declared once, read once, wrong never.
import type { Static, TObject } from "typebox";
import { Format } from "typebox/format";
import { Value } from "typebox/value";
import { failedPrecondition } from "../domain/errors.ts";

/** An environment: names and texts. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a text is JSON. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A variable with `format: "json"` holds JSON, of which its pattern may ask more. */
Format.Set("json", isJson);

/** One sentence per variable at fault. Values are not repeated: they may be secrets. */
function problems(schema: TObject, value: unknown): readonly string[] {
  const found = new Map<string, string>();
  for (const error of Value.Errors(schema, value)) {
    const missing = error.keyword === "required" ? error.params.requiredProperties : [];
    for (const name of missing) found.set(name, `${name} is missing: ${describe(schema, name)}`);
    const name = error.instancePath.split("/")[1] ?? "";
    if (name !== "" && !found.has(name))
      found.set(name, `${name} ${error.message}: ${describe(schema, name)}`);
  }
  return [...found.values()];
}

const describe = (schema: TObject, name: string): string => {
  const property: unknown = schema.properties[name];
  const description =
    typeof property === "object" && property !== null && "description" in property
      ? property.description
      : undefined;
  return typeof description === "string" ? description : "set it.";
};

/**
 * A reader of these variables. Texts are converted to the declared types, an empty text counts as absent, defaults are filled
 * in, other variables are ignored. The reader throws one FAILED_PRECONDITION `CONFIG_INVALID` that lists every problem.
 */
export function declare<Schema extends TObject>(
  schema: Schema,
): (environment: Environment) => Readonly<Static<Schema>> {
  return (environment) => {
    const given = Object.keys(schema.properties).flatMap((name) => {
      const text = environment[name];
      return text === undefined || text.trim() === "" ? [] : [[name, text] as const];
    });
    const value: unknown = Value.Default(schema, Value.Convert(schema, Object.fromEntries(given)));
    // Errors are looked for only where there are some: to load what finds them takes longer than a check.
    const found = Value.Check(schema, value) ? [] : problems(schema, value);
    if (found.length > 0) {
      throw failedPrecondition(
        "CONFIG_INVALID",
        `The configuration is not usable.\n${found.map((each) => `  - ${each}`).join("\n")}`,
      );
    }
    return Object.freeze(value) as Readonly<Static<Schema>>;
  };
}
