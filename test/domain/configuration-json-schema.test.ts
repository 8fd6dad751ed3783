// The schema that editors use says of a file what the reader says, as far as a schema can, and explains every field.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  CONFIGURATION_SCHEMA_FILE,
  configurationJsonSchema,
  configurationSchemaText,
} from "../../shared/domain/configuration-json-schema.ts";
import { CONFIGURATION_DEFAULTS, CONFIGURATION_WORDS } from "../../shared/domain/configuration-words.ts";
import { readConfiguration } from "../../shared/domain/signalbox-yaml.ts";
import { readSource, ROOT } from "../support/source-files.ts";

const schema = configurationJsonSchema();
const accepts = (text: string): boolean => Value.Check(schema as never, parse(text));

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** Every field with its path, as the words name them. */
function fieldsOf(node: Node, path = ""): readonly (readonly [path: string, node: Node])[] {
  const inner = Object.entries((node.properties ?? node.items?.properties ?? {}) as Record<string, Node>);
  return [
    [path, node],
    ...inner.flatMap(([key, below]) => fieldsOf(below, path === "" ? key : `${path}.${key}`)),
  ];
}
const fields = fieldsOf(JSON.parse(configurationSchemaText()) as Node);

test("the file in docs is what the code says: npm run generate writes it", () => {
  expect(readSource(`docs/${CONFIGURATION_SCHEMA_FILE}`)).toBe(configurationSchemaText());
});

test("every field is explained, and nothing is explained that is no field", () => {
  expect(fields.length).toBeGreaterThan(45);
  expect(fields.filter(([, { description }]) => description === undefined).map(([path]) => path)).toEqual([]);
  const known = new Set(fields.map(([path]) => path));
  const written = [...Object.keys(CONFIGURATION_WORDS), ...Object.keys(CONFIGURATION_DEFAULTS)];
  expect(written.filter((path) => !known.has(path))).toEqual([]);
});

test("the defaults that it tells are those that the reader fills in", () => {
  const least = `version: 1
stacks: [{ name: web, directory: stacks/web }]
endpoints: [{ name: ranker, serving: { local: { command: [node] } } }]`;
  const filled = least
    .replace("stacks/web }", `stacks/web, ${flow("stacks.")} }`)
    .replace("name: ranker", `name: ranker, ${flow("endpoints.")}`);
  const read = readConfiguration(filled);
  expect(read.kind, JSON.stringify(read)).toBe("configuration");
  const plain = readConfiguration(least);
  const withoutText = (value: unknown) =>
    JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "rollout" ? null : inner)));
  expect(withoutText(read)).toEqual(withoutText(plain));
});

/** The defaults below a prefix as YAML in flow style; the rollout block nested. */
function flow(prefix: string): string {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(CONFIGURATION_DEFAULTS)) {
    if (!path.startsWith(prefix) || path.includes("readiness")) continue;
    const parts = path.slice(prefix.length).split(".");
    let node = tree;
    for (const part of parts.slice(0, -1)) node = (node[part] ??= {}) as Record<string, unknown>;
    node[parts.at(-1) ?? ""] = value;
  }
  return JSON.stringify(tree).slice(1, -1);
}

describe("a file", () => {
  test("such as the example is accepted by both", () => {
    const text = readFileSync(join(ROOT, "examples/platform/.signalbox.yaml"), "utf8");
    expect(text).toMatch(
      /^# yaml-language-server: \$schema=http:\/\/127\.0\.0\.1:7420\/schemas\/\S+\.json\n/,
    );
    expect([accepts(text), readConfiguration(text).kind]).toEqual([true, "configuration"]);
  });

  test.each([
    ["an unknown field", "version: 1\nstack: []"],
    ["another version", "version: 2"],
    ["no directory", "version: 1\nstacks: [{ name: web }]"],
    ["a name in capitals", "version: 1\nstacks: [{ name: Web, directory: a }]"],
    ["a step of 100", "version: 1\nendpoints: [{ name: r, serving: {}, rollout: { steps: [5, 100] } }]"],
    ["no duration", "version: 1\nendpoints: [{ name: r, serving: {}, standby: soon }]"],
    ["no such choice", "version: 1\nendpoints: [{ name: r, serving: {}, rollout: { onRegistered: maybe } }]"],
    [
      "an unknown judge",
      "version: 1\nendpoints: [{ name: r, serving: {}, rollout: { judge: { eyes: 2 } } }]",
    ],
  ])("with %s is refused by both", (_, text) => {
    expect([accepts(text), readConfiguration(text).kind]).toEqual([false, "invalid"]);
  });
});
