// Terraform's JSON syntax (https://developer.hashicorp.com/terraform/language/syntax/json) read to the shape of the native one.
import type { HclAttribute, HclBlock, HclBody, HclExpression } from "./hcl.ts";
import { type HclTemplateToken, type HclToken, hclTemplate, templateText } from "./hcl-lexer.ts";
import type { HclValue } from "./hcl-literal.ts";
import { type JsonNode, readJson } from "./json-reader.ts";
import { refusalAsProblem, type SourceProblem, SourceRefusal } from "./source-problem.ts";

/** Block types by the block they stand in, with the number of their labels. Everything else inside them is an attribute. */
const BLOCK_LABELS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "": {
    terraform: 0,
    provider: 1,
    variable: 1,
    locals: 0,
    output: 1,
    module: 1,
    resource: 2,
    data: 2,
    ephemeral: 2,
    moved: 0,
    import: 0,
    removed: 0,
    check: 1,
  },
  terraform: { required_providers: 0, backend: 1, cloud: 0, provider_meta: 1 },
  resource: { provisioner: 1, connection: 0, lifecycle: 0 },
  data: { provisioner: 1, connection: 0, lifecycle: 0 },
  ephemeral: { lifecycle: 0 },
  removed: { provisioner: 1, connection: 0, lifecycle: 0 },
  check: { data: 2, assert: 0 },
};

type Entries = ReadonlyMap<string, JsonNode>;
type ObjectNode = { readonly value: Entries; readonly line: number; readonly column: number };

function refuse(file: string, node: JsonNode, what: string): never {
  const remedy = "See Terraform's JSON syntax, or write the file in native syntax.";
  throw new SourceRefusal({ file, line: node.line, column: node.column, what, remedy });
}

const isObject = (value: JsonNode["value"]): value is Entries => value instanceof Map;

/** The objects in block position: one, or an array of them. */
function objects(file: string, node: JsonNode): readonly ObjectNode[] {
  const list = Array.isArray(node.value) ? (node.value as readonly JsonNode[]) : [node];
  return list.map((item) => {
    if (!isObject(item.value)) refuse(file, item, "Expected an object here, because this is a block.");
    return { value: item.value, line: item.line, column: item.column };
  });
}

/** The templates of every string inside the node, keys included: these are what Terraform would evaluate. */
function templates(file: string, node: JsonNode): readonly HclTemplateToken[] {
  const { value } = node;
  if (typeof value === "string") return [hclTemplate(file, value, node)];
  if (Array.isArray(value)) return (value as readonly JsonNode[]).flatMap((item) => templates(file, item));
  if (!isObject(value)) return [];
  return [...value].flatMap(([key, item]) => [hclTemplate(file, key, item), ...templates(file, item)]);
}

/** The value of a node when no string in it has an interpolation. */
function literal(file: string, node: JsonNode): HclValue | undefined {
  const { value } = node;
  if (typeof value === "string") return templateText(hclTemplate(file, value, node));
  if (Array.isArray(value)) {
    const items = (value as readonly JsonNode[]).map((item) => literal(file, item));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (!isObject(value)) return value as number | boolean | null;
  const entries = [...value].map(([key, item]) => [key, literal(file, item)] as const);
  return entries.every(([, item]) => item !== undefined)
    ? (Object.fromEntries(entries) as HclValue)
    : undefined;
}

function expression(file: string, node: JsonNode): HclExpression {
  const tokens: readonly HclToken[] = templates(file, node);
  return { literal: literal(file, node), tokens, line: node.line, column: node.column };
}

/** The blocks of one type below a node that still needs `labelsLeft` labels. */
function blocks(
  file: string,
  type: string,
  node: JsonNode,
  labelsLeft: number,
  labels: readonly string[],
): HclBlock[] {
  return objects(file, node).flatMap((item) => {
    if (labelsLeft === 0) {
      return [{ type, labels, body: bodyOf(file, type, item.value), line: item.line, column: item.column }];
    }
    return [...item.value].flatMap(([label, inner]) =>
      blocks(file, type, inner, labelsLeft - 1, [...labels, label]),
    );
  });
}

function bodyOf(file: string, parent: string, entries: Entries): HclBody {
  const attributes: HclAttribute[] = [];
  const inner: HclBlock[] = [];
  const known = BLOCK_LABELS[parent] ?? {};
  for (const [name, node] of entries) {
    // "//" is a comment by Terraform's definition, in the bodies that Terraform itself defines.
    if (name === "//") continue;
    const labels = Object.hasOwn(known, name) ? known[name] : undefined;
    if (labels !== undefined) inner.push(...blocks(file, name, node, labels, []));
    else if (parent === "")
      refuse(file, node, `${JSON.stringify(name)} is not a block type that is known here.`);
    else attributes.push({ name, expression: expression(file, node), line: node.line, column: node.column });
  }
  return { attributes, blocks: inner };
}

/** Reads a `.tf.json` file to the shape of native syntax, or says where it cannot be read. */
export function readTerraformJson(file: string, text: string): HclBody | { readonly problem: SourceProblem } {
  const root = readJson(file, text);
  if ("problem" in root) return root;
  return refusalAsProblem(() => {
    const bodies = objects(file, root).map((item) => bodyOf(file, "", item.value));
    return { attributes: [], blocks: bodies.flatMap((body) => body.blocks) };
  });
}
