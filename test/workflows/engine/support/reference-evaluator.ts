// A second, tiny evaluator, written apart from the engine: random expressions must mean the same to both.

/** An expression that the reference understands. */
export type Tree =
  | { readonly literal: bigint | number | string | boolean | null }
  | { readonly list: readonly Tree[] }
  | { readonly op: string; readonly left: Tree; readonly right: Tree }
  | { readonly unary: "-" | "not"; readonly operand: Tree };

type Plain = bigint | number | string | boolean | null | readonly Plain[];

/** An error of the language, by its first tag. */
export class ReferenceError extends Error {}

const LEVELS: readonly (readonly string[])[] = [
  ["or"],
  ["and"],
  ["<", "<=", ">", ">=", "==", "!=", "in"],
  ["+", "-"],
  ["*", "/", "//", "%"],
];
const UNARY_MINUS = LEVELS.length;
const NOT = UNARY_MINUS + 1;

function level(tree: Tree): number {
  if ("op" in tree) return LEVELS.findIndex((operators) => operators.includes(tree.op));
  if ("unary" in tree) return tree.unary === "-" ? UNARY_MINUS : NOT;
  if (
    "literal" in tree &&
    (typeof tree.literal === "bigint" || typeof tree.literal === "number") &&
    tree.literal < 0
  )
    return UNARY_MINUS;
  return NOT + 1;
}

/** The text of a tree with no more parentheses than precedence asks for. */
export function render(tree: Tree): string {
  const child = (inner: Tree, least: number): string =>
    level(inner) < least ? `(${render(inner)})` : render(inner);
  if ("list" in tree) return `[${tree.list.map(render).join(", ")}]`;
  if ("op" in tree)
    return `${child(tree.left, level(tree))} ${tree.op} ${child(tree.right, level(tree) + 1)}`;
  if ("unary" in tree)
    return tree.unary === "-" ? `-${child(tree.operand, UNARY_MINUS)}` : `not ${child(tree.operand, NOT)}`;
  const { literal } = tree;
  if (typeof literal === "string") return JSON.stringify(literal);
  if (typeof literal === "number") return Number.isInteger(literal) ? literal.toFixed(1) : String(literal);
  return String(literal);
}

function isNumber(value: Plain): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

function fail(tag: string): never {
  throw new ReferenceError(tag);
}

function fit(value: bigint): bigint {
  return BigInt.asIntN(64, value) === value ? value : fail("ValueError");
}

function same(a: Plain, b: Plain): boolean {
  if (Array.isArray(a))
    return (
      Array.isArray(b) && a.length === b.length && a.every((item: Plain, i) => same(item, b[i] as Plain))
    );
  // eslint-disable-next-line eqeqeq
  return isNumber(a) && isNumber(b) ? a == b : a === b;
}

/** Evaluates a tree. @throws {ReferenceError} with the tag of the error. */
export function evaluateTree(tree: Tree): Plain {
  if ("literal" in tree) return tree.literal;
  if ("list" in tree) return tree.list.map(evaluateTree);
  if ("unary" in tree) {
    const value = evaluateTree(tree.operand);
    if (tree.unary === "not") return typeof value === "boolean" ? !value : fail("TypeError");
    if (typeof value === "bigint") return fit(-value);
    return typeof value === "number" ? -value : fail("TypeError");
  }
  const a = evaluateTree(tree.left);
  if (tree.op === "and" || tree.op === "or") {
    if (typeof a !== "boolean") return fail("TypeError");
    if (a === (tree.op === "or")) return a;
    const b = evaluateTree(tree.right);
    return typeof b === "boolean" ? b : fail("TypeError");
  }
  return combine(tree.op, a, evaluateTree(tree.right));
}

function combine(op: string, a: Plain, b: Plain): Plain {
  if (op === "==") return same(a, b);
  if (op === "!=") return !same(a, b);
  if (op === "in") return Array.isArray(b) ? b.some((item: Plain) => same(item, a)) : fail("TypeError");
  const scalars = [a, b].every((value) => value !== null && !Array.isArray(value));
  if (op === "+" && (typeof a === "string" || typeof b === "string"))
    return scalars ? `${String(a)}${String(b)}` : fail("TypeError");
  if (op.startsWith("<") || op.startsWith(">")) {
    const comparable = (isNumber(a) && isNumber(b)) || (typeof a === "string" && typeof b === "string");
    if (!comparable) return fail("TypeError");
    return op === "<" ? a < b : op === "<=" ? a <= b : op === ">" ? a > b : a >= b;
  }
  if (!isNumber(a) || !isNumber(b)) return fail("TypeError");
  if ((op === "/" || op === "//" || op === "%") && Number(b) === 0) return fail("ZeroDivisionError");
  if (op === "/") return Number(a) / Number(b);
  if (typeof a === "bigint" && typeof b === "bigint") return integers(op, a, b);
  const [x, y] = [Number(a), Number(b)];
  if (op === "+") return x + y;
  if (op === "-") return x - y;
  if (op === "*") return x * y;
  if (op === "//") return Math.floor(x / y);
  return (x % y) * y < 0 ? (x % y) + y : x % y;
}

function integers(op: string, a: bigint, b: bigint): bigint {
  if (op === "+") return fit(a + b);
  if (op === "-") return fit(a - b);
  if (op === "*") return fit(a * b);
  const remainder = ((a % b) + b) % b;
  return op === "%" ? remainder : fit((a - remainder) / b);
}
