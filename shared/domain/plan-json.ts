// `terraform show -json` of a saved plan (https://developer.hashicorp.com/terraform/internals/json-format), parsed without loss.
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

/** Bytes of one plan as JSON. */
export const PLAN_JSON_BYTES_MAX = 64 * 1024 * 1024;

const Change = Type.Object({
  actions: Type.Array(Type.String()),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
  after_unknown: Type.Optional(Type.Unknown()),
  before_sensitive: Type.Optional(Type.Unknown()),
  after_sensitive: Type.Optional(Type.Unknown()),
  replace_paths: Type.Optional(Type.Array(Type.Array(Type.Unknown()))),
});

const PlanJsonSchema = Type.Object({
  format_version: Type.String({ pattern: "^1\\." }),
  terraform_version: Type.String(),
  resource_changes: Type.Optional(
    Type.Array(
      Type.Object({
        address: Type.String(),
        mode: Type.String(),
        type: Type.String(),
        provider_name: Type.String(),
        deposed: Type.Optional(Type.String()),
        change: Change,
      }),
    ),
  ),
  output_changes: Type.Optional(Type.Record(Type.String(), Change)),
  variables: Type.Optional(Type.Record(Type.String(), Type.Object({ value: Type.Optional(Type.Unknown()) }))),
  configuration: Type.Optional(
    Type.Object({
      root_module: Type.Optional(
        Type.Object({
          variables: Type.Optional(
            Type.Record(Type.String(), Type.Object({ sensitive: Type.Optional(Type.Boolean()) })),
          ),
        }),
      ),
    }),
  ),
});

/** The change of one resource or output. */
export type PlanChange = Static<typeof Change>;
/** The parts of a plan that are read. */
export type PlanJson = Static<typeof PlanJsonSchema>;

/** Significant decimal digits that a double keeps apart (DBL_DIG of IEEE 754 binary64). */
const EXACT_DIGITS_MAX = 15;

/** A number that a double cannot hold keeps its digits, so that no two values read as one. */
function exactNumber(value: unknown, source: string | undefined): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  const digits = source
    .replace(/[eE].*$/, "")
    .replaceAll(/[-.]/g, "")
    .replace(/^0+/, "");
  return Number.isFinite(value) && digits.length <= EXACT_DIGITS_MAX ? value : { number: source };
}

/** Parses the output of `terraform show -json`; undefined when it is not a plan of a known format. */
export function parsePlanJson(text: string): PlanJson | undefined {
  if (text.length > PLAN_JSON_BYTES_MAX) return undefined;
  const revive = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    exactNumber(value, context?.source);
  try {
    const parsed: unknown = JSON.parse(text, revive);
    return Value.Check(PlanJsonSchema, parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
