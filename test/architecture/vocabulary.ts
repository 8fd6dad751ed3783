// The vocabulary as flat text: fact type → field → shape, so that a change shows as one line.
import { FACTS } from "../../shared/domain/facts.ts";

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

function shape(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(shape).join(" | ");
  if (schema.type === "array") return `[${shape(schema.items ?? {})}]`;
  if (schema.patternProperties !== undefined)
    return `{*: ${Object.values(schema.patternProperties).map(shape).join(" | ")}}`;
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(
      ([name, field]) => `${name}${schema.required?.includes(name) === true ? "" : "?"}: ${shape(field)}`,
    );
    return `{${fields.join(", ")}}`;
  }
  return schema.type ?? "any";
}

/** Fact type → field (with `?` when it is optional) → shape. */
export function describeVocabulary(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    Object.entries(FACTS)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, schema]) => {
        const { properties = {}, required = [] } = schema as Schema;
        const fields = Object.entries(properties).map(([name, field]) => [
          `${name}${required.includes(name) ? "" : "?"}`,
          shape(field),
        ]);
        return [type, Object.fromEntries(fields)];
      }),
  );
}
