// The syntax tree of expressions. YAML values become the same tree, so an `assign` value and `${...}` are one thing.
import type { Value } from "../values/value.ts";

/** Operators of two operands that always evaluate both. */
export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "//"
  | "%"
  | "<"
  | "<="
  | ">"
  | ">="
  | "=="
  | "!="
  | "in";

/** One node; `at` is the offset of its first character in the expression's text, for positions of problems. */
export type Expression =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "variable"; readonly name: string; readonly at: number }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [key: Expression, value: Expression])[] }
  | { readonly kind: "member"; readonly object: Expression; readonly key: string; readonly at: number }
  | { readonly kind: "index"; readonly object: Expression; readonly index: Expression; readonly at: number }
  | {
      readonly kind: "unary";
      readonly operator: "-" | "not";
      readonly operand: Expression;
      readonly at: number;
    }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | {
      readonly kind: "logical";
      readonly operator: "and" | "or";
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | {
      readonly kind: "call";
      readonly callee: string;
      readonly args: readonly Expression[];
      readonly at: number;
    }
  /** A `${...}` of the source; its place turns the offsets of the nodes inside into positions. */
  | { readonly kind: "embedded"; readonly expression: Expression; readonly place: Place };

/** Where something stands in the source; lines and columns count from 1, offset and length are UTF-16 units. */
export interface Span {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  readonly length: number;
}

/** Where the text of an expression stands: a scalar, its raw text, and the index of the expression in it (-1: escaped away). */
export interface Place {
  readonly span: Span;
  readonly raw: string;
  readonly base: number;
}

/** The position of an offset of an expression's text; the start of the scalar where escapes hide it. */
export function positionOf({ span, raw, base }: Place, at: number, length = 1): Span {
  if (base < 0) return span;
  const before = raw.slice(0, base + at);
  const breaks = before.split("\n");
  const last = breaks.at(-1) as string;
  const column = breaks.length === 1 ? span.column + last.length : last.length + 1;
  return { line: span.line + breaks.length - 1, column, offset: span.offset + before.length, length };
}

/** The dotted name that a chain of members spells (`http.default_retry`), or undefined. */
export function dottedName(expression: Expression): string | undefined {
  if (expression.kind === "variable") return expression.name;
  if (expression.kind !== "member") return undefined;
  const head = dottedName(expression.object);
  return head === undefined ? undefined : `${head}.${expression.key}`;
}
