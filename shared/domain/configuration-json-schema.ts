// `.signalbox.yaml` as JSON Schema for editors: the schemas that check it, with words and defaults for each field.
import { CONFIGURATION_DEFAULTS, CONFIGURATION_WORDS } from "./configuration-words.ts";
import { ConfigurationDocument } from "./configuration-schema.ts";
import { DURATION_PATTERN } from "./duration.ts";
import { RolloutPolicyInput } from "./rollout-policy.ts";

/** Name of the schema's file, wherever it is published. */
export const CONFIGURATION_SCHEMA_FILE = "signalbox-yaml.schema.json";

interface Schema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Fields that are texts to the checking schema and read as durations afterwards. */
const DURATIONS: ReadonlySet<string> = new Set(
  ["standby", "rollout.timeLimit", "rollout.standby"]
    .concat(["window", "look", "scrape"].map((key) => `rollout.judge.${key}`))
    .map((path) => `endpoints.${path}`),
);

/** Only what JSON Schema knows: the library keeps marks of its own beside it. */
const plain = (schema: object): Schema => JSON.parse(JSON.stringify(schema)) as Schema;

/** This schema with words, defaults and patterns; `path` as in CONFIGURATION_WORDS. */
function described(path: string, schema: Schema): Schema {
  const { properties, items, ...rest } = schema;
  const words = CONFIGURATION_WORDS[path];
  const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
  return {
    ...(words === undefined ? {} : { description: words }),
    ...rest,
    ...(Object.hasOwn(CONFIGURATION_DEFAULTS, path) ? { default: CONFIGURATION_DEFAULTS[path] } : {}),
    ...(DURATIONS.has(path) ? { pattern: DURATION_PATTERN } : {}),
    ...(items === undefined
      ? {}
      : { items: items.properties === undefined ? items : described(path, items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, value]) => {
              const whole = below(key) === "endpoints.rollout" ? plain(RolloutPolicyInput) : value;
              return [key, described(below(key), whole)];
            }),
          ),
        }),
  };
}

/** The JSON Schema (draft 7, which editors know best) of `.signalbox.yaml`. */
export function configurationJsonSchema(): Schema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Signalbox configuration (.signalbox.yaml)",
    ...described("", plain(ConfigurationDocument)),
  };
}

/** The text of its file. */
export const configurationSchemaText = (): string =>
  `${JSON.stringify(configurationJsonSchema(), null, 2)}\n`;
