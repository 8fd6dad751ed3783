// YAML values into expressions: `${...}` scalars are parsed, everything else is a literal of its structure.
import { CHOICES } from "../choices.ts";
import type { Expression, Place } from "../expressions/expression.ts";
import { parseExpression } from "../expressions/grammar.ts";
import { positionOf } from "../expressions/position.ts";
import { ExpressionSyntaxError } from "../expressions/tokens.ts";
import type { Value } from "../values/value.ts";
import type { ProblemList } from "./problem.ts";
import type { MapEntry, ScalarNode, SourceNode } from "./source.ts";

/** What opens an expression; `}` closes it. */
const OPENING = "${";
const NOTHING: Expression = { kind: "literal", value: null };

/** Whether a scalar is an expression: the whole trimmed text is `${ ... }`. */
export function isExpressionText(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.startsWith(OPENING) && trimmed.endsWith("}");
}

/** The expression that a YAML value stands for; problems go to the list and yield null. */
export function parseValue(node: SourceNode, problems: ProblemList): Expression {
  if (node.kind === "scalar") return parseScalar(node, problems);
  if (node.kind === "list") {
    const items = node.items.map((item) => parseValue(item, problems));
    const values = literals(items);
    return values === undefined ? { kind: "list", items } : { kind: "literal", value: values };
  }
  const entries = node.entries.map(
    (entry) => [parseKey(entry, problems), parseValue(entry.value, problems)] as const,
  );
  const values = literals(entries.flat());
  if (values === undefined) return { kind: "map", entries };
  const pairs = node.entries.map(({ key }, index) => [key, values[index * 2 + 1] as Value] as const);
  return { kind: "literal", value: new Map(pairs) };
}

/** A key of a map: text, or an expression that gives text when it runs. */
function parseKey({ key, keySpan, keyRaw }: MapEntry, problems: ProblemList): Expression {
  if (!isExpressionText(key)) return { kind: "literal", value: key };
  return parseScalar({ kind: "scalar", value: key, raw: keyRaw, span: keySpan }, problems);
}

function literals(items: readonly Expression[]): Value[] | undefined {
  const values: Value[] = [];
  for (const item of items) {
    if (item.kind !== "literal") return undefined;
    values.push(item.value);
  }
  return values;
}

function parseScalar(node: ScalarNode, problems: ProblemList): Expression {
  if (typeof node.value !== "string") return { kind: "literal", value: node.value };
  if (isExpressionText(node.value)) {
    const text = node.value.trim().slice(OPENING.length, -1);
    return parseText({ span: node.span, raw: node.raw, text, opening: OPENING }, problems) ?? NOTHING;
  }
  if (/\$\{/.test(node.value)) {
    const report = CHOICES.embeddedExpression === "error" ? problems.error : problems.warn;
    report(
      node.span,
      "embedded-expression",
      "this text holds ${...} but is no expression as a whole, so it stays as it is",
      'concatenate instead: ${"hello-" + world}',
    );
  }
  return { kind: "literal", value: node.value };
}

/** Parses the text of an expression that stands at a place; undefined after a problem. */
export function parseText(place: Place, problems: ProblemList): Expression | undefined {
  try {
    const expression = parseExpression(place.text);
    return expression.kind === "literal" ? expression : { kind: "embedded", expression, place };
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    problems.error(
      positionOf(place, error.at),
      "expression-syntax",
      `expression: ${error.message}`,
      error.hint,
    );
    return undefined;
  }
}
