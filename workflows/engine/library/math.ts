// math.*
import { CHOICES } from "../choices.ts";
import { compareNumbers } from "../expressions/operators.ts";
import { fitsInt64 } from "../values/json.ts";
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { toInteger } from "./builtins.ts";
import { asNumeric, pure, tableOf } from "./library-function.ts";

function pick(a: Value | undefined, b: Value | undefined, sign: number): Value {
  const [left, right] = [asNumeric(a, "the first argument"), asNumeric(b, "the second argument")];
  return compareNumbers(left, right) * sign >= 0 ? left : right;
}

/** math.* */
export const MATH_FUNCTIONS = tableOf([
  pure("math.abs", "x", ([x]) => {
    const value = asNumeric(x, "x");
    if (typeof value === "number") return Math.abs(value);
    const positive = value < 0n ? -value : value;
    if (!fitsInt64(positive)) throw runtimeError(CHOICES.overflowTag, "integer overflow in math.abs");
    return positive;
  }),
  pure("math.floor", "x", ([x]) => {
    const value = asNumeric(x, "x");
    return typeof value === "bigint" ? value : toInteger(Math.floor(value));
  }),
  pure("math.max", "x y", ([x, y]) => pick(x, y, 1)),
  pure("math.min", "x y", ([x, y]) => pick(x, y, -1)),
]);
