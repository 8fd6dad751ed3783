// Any YAML by the yaml package, with every problem in it.
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  type Document,
  type Node,
  type Scalar,
  type YAMLSeq,
} from "yaml";
import { CHOICES } from "../choices.ts";
import { SOURCE_START as START, type Span } from "../expressions/expression.ts";
import { PROBLEMS_MAX, SOURCE_DEPTH_MAX, SOURCE_NODES_MAX } from "../limits.ts";
import { fitsInt64 } from "../values/json.ts";
import type { ProblemList } from "./problem.ts";
import type { ListNode, MapEntry, ScalarNode, SourceNode } from "./source.ts";

interface Reader {
  readonly text: string;
  readonly lines: LineCounter;
  readonly problems: ProblemList;
  readonly document: Document.Parsed;
  readonly open: Set<Node>;
  nodes: number;
}

/** Reads a text; undefined when it is no tree at all (the problems say why). */
export function readYaml(text: string, problems: ProblemList): SourceNode | undefined {
  if (nestsTooDeeply(text)) {
    problems.error(
      START,
      "source-depth",
      `the source nests more than ${SOURCE_DEPTH_MAX} levels`,
      "use subworkflows instead of nesting",
    );
    return undefined;
  }
  const lines = new LineCounter();
  const document = composeDocument(text, lines, problems);
  if (document === undefined || problems.hasErrors()) return undefined;
  const reader: Reader = { text, lines, problems, document, open: new Set(), nodes: 0 };
  if (document.contents === null) {
    problems.error(
      START,
      "empty-source",
      "the source has no content",
      "write a list of steps, or a map with main",
    );
    return undefined;
  }
  return convert(reader, document.contents, 0);
}

const QUOTED = /"(?:[^"\\]|\\.)*"|'[^']*'/g;

/** A cheap bound on nesting before the real reader recurses: brackets that stay open, and dashes that open lists on one line. */
function nestsTooDeeply(text: string): boolean {
  let brackets = 0;
  for (const line of text.split("\n")) {
    const lists = /^\s*(?:[-?]\s+)*/.exec(line)?.[0].replaceAll(/\s/g, "").length ?? 0;
    if (lists > SOURCE_DEPTH_MAX) return true;
    if (!/[[\]{}]/.test(line)) continue;
    for (const character of line.replaceAll(QUOTED, "")) {
      if (character === "[" || character === "{") brackets++;
      else if (character === "]" || character === "}") brackets = Math.max(0, brackets - 1);
      if (brackets > SOURCE_DEPTH_MAX) return true;
    }
  }
  return false;
}

function composeDocument(
  text: string,
  lines: LineCounter,
  problems: ProblemList,
): Document.Parsed | undefined {
  try {
    const parser = new Parser(lines.addNewLine);
    const composer = new Composer({
      version: "1.2",
      schema: "core",
      intAsBigInt: true,
      merge: false,
      // Compared by the reader each with each; convertMap looks for them in one pass.
      uniqueKeys: false,
      stringKeys: false,
    });
    const [document, ...others] = [...composer.compose(parser.parse(text), true, text.length)];
    if (others.length > 0)
      problems.error(
        START,
        "several-documents",
        "the source has several YAML documents",
        "keep one, without --- lines",
      );
    reportSyntax(document?.errors ?? [], lines, problems);
    return document;
  } catch (error) {
    // The reader recurses by nesting; whatever gets past the bound above ends here, as a problem and not a crash.
    problems.error(
      START,
      "syntax",
      `the source cannot be read: ${error instanceof Error ? firstLine(error.message) : "unknown"}`,
      "nest less deeply",
    );
    return undefined;
  }
}

/** Reports the errors of the YAML reader: of each line the first, which the others there follow from. */
function reportSyntax(
  errors: readonly { readonly message: string; readonly pos: readonly [number, number] }[],
  lines: LineCounter,
  problems: ProblemList,
): void {
  const seen = new Set<number>();
  for (const { message, pos } of errors.slice(0, PROBLEMS_MAX)) {
    const span = spanAt(lines, pos[0], pos[1]);
    if (seen.has(span.line)) continue;
    seen.add(span.line);
    const hint = message.startsWith("Tabs")
      ? "indent with spaces"
      : "correct the YAML; quote text that contains ': ' or starts with a special character";
    problems.error(span, "syntax", firstLine(message), hint);
  }
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] as string;
}

function spanAt(lines: LineCounter, start: number, end: number): Span {
  const { line, col } = lines.linePos(start);
  return {
    line: Math.max(line, 1),
    column: Math.max(col, 1),
    offset: start,
    length: Math.max(0, end - start),
  };
}

function spanOf(reader: Reader, node: Node): Span {
  const range = node.range ?? [0, 0, 0];
  return spanAt(reader.lines, range[0], range[1]);
}

function nothing(span: Span): ScalarNode {
  return { kind: "scalar", value: null, raw: "", span };
}

function convert(reader: Reader, node: Node, depth: number): SourceNode {
  const span = spanOf(reader, node);
  if (++reader.nodes > SOURCE_NODES_MAX) {
    reader.problems.error(
      span,
      "source-nodes",
      `the source expands to more than ${SOURCE_NODES_MAX} nodes`,
      "use fewer aliases",
    );
    return nothing(span);
  }
  if (depth > SOURCE_DEPTH_MAX) {
    reader.problems.error(
      span,
      "source-depth",
      `the source nests more than ${SOURCE_DEPTH_MAX} levels`,
      "use subworkflows instead of nesting",
    );
    return nothing(span);
  }
  if (isAlias(node)) return convertAlias(reader, node.resolve(reader.document), span, depth);
  if (isScalar(node)) return convertScalar(reader, node, span);
  reader.open.add(node);
  const converted = isSeq(node)
    ? convertList(reader, node, span, depth)
    : convertMap(reader, node, span, depth);
  reader.open.delete(node);
  return converted;
}

function convertAlias(reader: Reader, target: Node | undefined, span: Span, depth: number): SourceNode {
  if (CHOICES.yamlAliases === "error" || target === undefined || reader.open.has(target)) {
    reader.problems.error(span, "alias", "this alias cannot be expanded", "write the value out");
    return nothing(span);
  }
  return convert(reader, target, depth + 1);
}

/** A block ends with its last value; the package counts comments and empty lines behind it, too. */
function contentSpan(
  span: Span,
  { flow = false }: { readonly flow?: boolean },
  last: SourceNode | undefined,
): Span {
  if (flow || last === undefined) return span;
  return { ...span, length: Math.max(0, last.span.offset + last.span.length - span.offset) };
}

function convertList(reader: Reader, node: YAMLSeq, span: Span, depth: number): ListNode {
  const converted: SourceNode[] = [];
  for (const item of node.items as Node[]) {
    if (reader.nodes > SOURCE_NODES_MAX) break;
    converted.push(convert(reader, item, depth + 1));
  }
  return { kind: "list", items: converted, span: contentSpan(span, node, converted.at(-1)) };
}

function convertMap(reader: Reader, node: Node, span: Span, depth: number): SourceNode {
  if (!isMap(node)) return nothing(span);
  const entries: MapEntry[] = [];
  const keys = new Set<string>();
  for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
    if (reader.nodes > SOURCE_NODES_MAX) break;
    const keySpan = spanOf(reader, key);
    if (!isScalar(key)) {
      reader.problems.error(
        keySpan,
        "map-key",
        "a map key must be text",
        "quote expressions that start with a bracket: '${...}'",
      );
      continue;
    }
    const text = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
    if (keys.has(text)) {
      const message = `the key ${JSON.stringify(text)} stands twice in one map`;
      reader.problems.error(keySpan, "duplicate-key", message, "keep one of them");
    }
    keys.add(text);
    entries.push({
      key: text,
      keySpan,
      keyRaw: reader.text.slice(keySpan.offset, keySpan.offset + keySpan.length),
      value: value === null ? nothing(keySpan) : convert(reader, value, depth + 1),
    });
  }
  return { kind: "map", entries, span: contentSpan(span, node, entries.at(-1)?.value) };
}

const BOOLEAN = /^(?:true|True|TRUE|false|False|FALSE)$/;

function convertScalar(reader: Reader, node: Scalar, span: Span): ScalarNode {
  const raw = reader.text.slice(span.offset, span.offset + span.length);
  const { value } = node;
  if (typeof value === "bigint" && !fitsInt64(value)) {
    reader.problems.error(
      span,
      "integer-size",
      `the integer ${raw} does not fit 64 bits`,
      "write it as a double with a decimal point, or as a quoted string",
    );
    return nothing(span);
  }
  if (typeof value === "boolean" && !BOOLEAN.test(raw)) return { kind: "scalar", value: raw, raw, span };
  if (
    value === null ||
    typeof value === "boolean" ||
    typeof value === "bigint" ||
    typeof value === "number" ||
    typeof value === "string"
  ) {
    if (typeof value === "number" && !Number.isFinite(value))
      return { kind: "scalar", value: raw, raw, span };
    return { kind: "scalar", value, raw, span };
  }
  reader.problems.error(
    span,
    "scalar",
    `the value ${raw} has a type that is not supported`,
    "remove the YAML tag",
  );
  return nothing(span);
}
