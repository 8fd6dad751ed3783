// The operators, with the conversions and errors of the documentation.
import { CHOICES } from "../choices.ts";
import { fitsInt64 } from "../values/json.ts";
import { checkString } from "../values/limits.ts";
import { isList, isMap, typeWord, valuesEqual, type Value } from "../values/value.ts";
import { runtimeError, taggedError } from "../values/workflow-error.ts";
import type { BinaryOperator } from "./expression.ts";

type Numeric = bigint | number;

function isNumeric(value: Value): value is Numeric {
  return typeof value === "bigint" || typeof value === "number";
}

function unsupported(operator: string, left: Value, right: Value): Error {
  return runtimeError(
    "TypeError",
    `unsupported operand type(s) for ${operator}: '${typeWord(left)}' and '${typeWord(right)}'`,
  );
}

function checked(value: bigint): bigint {
  if (!fitsInt64(value))
    throw runtimeError(CHOICES.overflowTag, "integer overflow: the result does not fit 64 bits");
  return value;
}

/** The text of a double: shortest that reads back, without `.0`. */
function doubleText(value: number): string {
  return CHOICES.integralDoubleText === "1.0" && Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function scalarText(value: string | boolean | Numeric): string {
  return typeof value === "number" ? doubleText(value) : String(value);
}

/** `+`: sums numbers; a string on either side concatenates with a number, boolean or string. */
export function add(left: Value, right: Value): Value {
  if (typeof left === "bigint" && typeof right === "bigint") return checked(left + right);
  if (isNumeric(left) && isNumeric(right)) return Number(left) + Number(right);
  if (typeof left === "string" || typeof right === "string") {
    if (left !== null && right !== null && typeof left !== "object" && typeof right !== "object") {
      return checkString(scalarText(left) + scalarText(right));
    }
  }
  throw unsupported("+", left, right);
}

/** Orders numbers by exact value across int and double: negative, zero or positive. */
export function compareNumbers(left: Numeric, right: Numeric): number {
  // JavaScript compares bigint with number by mathematical value.
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Orders strings by code points, which is the order of their UTF-8 bytes. */
function compareText(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function order(operator: string, left: Value, right: Value): number {
  if (isNumeric(left) && isNumeric(right)) return compareNumbers(left, right);
  if (typeof left === "string" && typeof right === "string" && CHOICES.stringOrdering === "code-point")
    return compareText(left, right);
  throw unsupported(operator, left, right);
}

function equal(left: Value, right: Value): boolean {
  const comparable =
    left === null || right === null || typeof left === typeof right || (isNumeric(left) && isNumeric(right));
  if (!comparable && CHOICES.mixedEquality === "TypeError") throw unsupported("==", left, right);
  return valuesEqual(left, right);
}

function contains(item: Value, container: Value): boolean {
  if (isList(container)) return container.some((element) => valuesEqual(element, item));
  if (isMap(container)) {
    if (typeof item === "string") return container.has(item);
    throw runtimeError("TypeError", `a key must be a str; got: ${typeWord(item)}`);
  }
  const message = `${CHOICES.inOperatorPrefix}The argument of 'in' must be a dict or an array; got: ${typeWord(container)}`;
  throw taggedError(["TypeError"], message);
}

function arithmetic(operator: "-" | "*", left: Value, right: Value): Value {
  if (!isNumeric(left) || !isNumeric(right)) throw unsupported(operator, left, right);
  if (typeof left === "bigint" && typeof right === "bigint")
    return checked(operator === "-" ? left - right : left * right);
  return operator === "-" ? Number(left) - Number(right) : Number(left) * Number(right);
}

function divide(operator: "/" | "//" | "%", left: Value, right: Value): Value {
  if (!isNumeric(left) || !isNumeric(right)) throw unsupported(operator, left, right);
  if (Number(right) === 0)
    throw runtimeError("ZeroDivisionError", operator === "%" ? "modulo by zero" : "division by zero");
  if (operator === "/") return Number(left) / Number(right);
  if (typeof left === "bigint" && typeof right === "bigint") {
    const remainder = left % right;
    const crosses = remainder !== 0n && remainder < 0n !== right < 0n;
    if (operator === "//") return checked(left / right - (crosses ? 1n : 0n));
    return crosses && CHOICES.remainderSign === "floor" ? remainder + right : remainder;
  }
  const [a, b] = [Number(left), Number(right)];
  if (operator === "%") {
    const remainder = a % b;
    return remainder !== 0 && remainder < 0 !== b < 0 && CHOICES.remainderSign === "floor"
      ? remainder + b
      : remainder;
  }
  const quotient = Math.floor(a / b);
  return CHOICES.floorDivisionOfDoubles === "integer" && Number.isFinite(quotient)
    ? checked(BigInt(quotient))
    : quotient;
}

/** Applies an operator of two operands. @throws {WorkflowError} as the operator's rules say. */
export function applyBinary(operator: BinaryOperator, left: Value, right: Value): Value {
  switch (operator) {
    case "+":
      return add(left, right);
    case "-":
    case "*":
      return arithmetic(operator, left, right);
    case "/":
    case "//":
    case "%":
      return divide(operator, left, right);
    case "<":
      return order(operator, left, right) < 0;
    case "<=":
      return order(operator, left, right) <= 0;
    case ">":
      return order(operator, left, right) > 0;
    case ">=":
      return order(operator, left, right) >= 0;
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    default:
      return contains(left, right);
  }
}

/** Applies `-` or `not`. @throws {WorkflowError} TypeError. */
export function applyUnary(operator: "-" | "not", operand: Value): Value {
  if (operator === "not") {
    if (typeof operand === "boolean") return !operand;
    throw runtimeError("TypeError", `unsupported operand type for not: '${typeWord(operand)}'`);
  }
  if (typeof operand === "bigint") return checked(-operand);
  if (typeof operand === "number") return -operand;
  throw runtimeError("TypeError", `unsupported operand type for unary -: '${typeWord(operand)}'`);
}

/** The operand of `and` or `or`. @throws {WorkflowError} TypeError unless it is a boolean. */
export function expectCondition(operator: string, value: Value): boolean {
  if (typeof value === "boolean") return value;
  throw runtimeError(
    "TypeError",
    `unsupported operand type for ${operator}: '${typeWord(value)}' (expecting boolean)`,
  );
}
