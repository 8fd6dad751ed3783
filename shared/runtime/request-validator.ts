// Validation of requests. Bodies are taken as they are; what stands in path and query is text and is read as what its schema asks
// for: `5` is an integer and `true` a boolean, but `true` is no integer and `1` no boolean.
import { type TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";

interface Kind {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Kind>>;
  readonly items?: Kind;
}

const INTEGER = /^-?(?:0|[1-9]\d{0,15})$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** The value that this text says; the text itself where it says none, for the schema to refuse. */
function readText(kind: Kind, text: unknown): unknown {
  if (kind.type === "array")
    return (Array.isArray(text) ? text : [text]).map((each) => readText(kind.items ?? {}, each));
  if (typeof text !== "string") return text;
  if (kind.type === "integer" && INTEGER.test(text)) return Number(text);
  if (kind.type === "number" && NUMBER.test(text)) return Number(text);
  if (kind.type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function readTexts({ properties = {} }: Kind, values: unknown): unknown {
  if (typeof values !== "object" || values === null) return values;
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      Object.hasOwn(properties, key) ? readText(properties[key] ?? {}, value) : value,
    ]),
  );
}

/** The validator of one part of a route's requests, as Fastify asks for it; compiled at the first request. */
export function compileValidator({
  schema,
  httpPart,
}: {
  readonly schema: TSchema;
  readonly httpPart?: string;
}) {
  let validator: Validator | undefined;
  return (value: unknown) => {
    validator ??= Compile(schema);
    const read = httpPart === "body" ? value : readTexts(schema, value);
    return validator.Check(read) ? { value: read } : { error: validator.Errors(read) };
  };
}
