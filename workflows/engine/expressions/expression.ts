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

/** Where a source begins. */
export const SOURCE_START: Span = { line: 1, column: 1, offset: 0, length: 0 };

/** Where the text of an expression stands: the raw scalar with its place, and what opens the text in it (`${`, or nothing). */
export interface Place {
  readonly span: Span;
  readonly raw: string;
  readonly text: string;
  readonly opening: string;
}

/** The dotted name that a chain of members spells (`http.default_retry`), or undefined. */
export function dottedName(expression: Expression): string | undefined {
  if (expression.kind === "variable") return expression.name;
  if (expression.kind !== "member") return undefined;
  const head = dottedName(expression.object);
  return head === undefined ? undefined : `${head}.${expression.key}`;
}
