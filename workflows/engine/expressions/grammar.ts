// The grammar of expressions: recursive descent over nine levels of precedence.
//
//   expr = and {("or"|"OR") and}          and = cmp {("and"|"AND") cmp}
//   cmp  = add {("<"|"<="|">"|">="|"=="|"!="|"in") add}
//   add  = mul {("+"|"-") mul}            mul = neg {("*"|"/"|"//"|"%") neg}
//   neg  = "-" neg | nott                 nott = ("not"|"NOT") nott | post
//   post = prim {"." NAME | "[" expr "]" | "(" [expr {"," expr}] ")"}
import { CHOICES } from "../choices.ts";
import { EXPRESSION_CHARACTERS_MAX } from "../limits.ts";
import { fitsInt64 } from "../values/json.ts";
import { dottedName, type BinaryOperator, type Expression } from "./expression.ts";
import { ExpressionSyntaxError, tokenize, type Token } from "./tokens.ts";

interface Parser {
  readonly tokens: readonly Token[];
  position: number;
}

/**
 * Parses the text between `${` and `}`.
 * @throws {ExpressionSyntaxError} with the offset and a hint.
 */
export function parseExpression(source: string): Expression {
  if (source.length > EXPRESSION_CHARACTERS_MAX) {
    throw new ExpressionSyntaxError(
      `the expression has ${source.length} characters; at most ${EXPRESSION_CHARACTERS_MAX} are allowed`,
      0,
      "split it with an assign step",
    );
  }
  const parser = { tokens: tokenize(source), position: 0 };
  if (peek(parser).kind === "end")
    throw new ExpressionSyntaxError("the expression is empty", 0, "write a value between ${ and }");
  const expression = parseOr(parser);
  const rest = peek(parser);
  if (rest.kind !== "end") throw unexpected(rest);
  return expression;
}

function peek(parser: Parser): Token {
  return parser.tokens[parser.position] as Token;
}

function accept(parser: Parser, kind: "operator" | "keyword", ...texts: string[]): Token | undefined {
  const token = peek(parser);
  if (token.kind !== kind || !texts.includes(token.kind === "keyword" ? token.word : token.text))
    return undefined;
  parser.position++;
  return token;
}

function expect(parser: Parser, text: string): void {
  const token = peek(parser);
  if (accept(parser, "operator", text) === undefined) {
    throw new ExpressionSyntaxError(
      `expected ${text} before ${describe(token)}`,
      token.at,
      `add the missing ${text}`,
    );
  }
}

function describe(token: Token): string {
  return token.kind === "end" ? "the end of the expression" : JSON.stringify(token.text);
}

function unexpected(token: Token): ExpressionSyntaxError {
  let hint = "check the operators and parentheses around it";
  if (token.kind === "name" && /^(and|or|not|in)$/i.test(token.text))
    hint = "write the operator in lower case or in upper case (in: lower case)";
  else if (token.text === "}") hint = "one ${...} holds the whole value; concatenate inside it with +";
  else if (token.text === "{")
    hint = "a map literal cannot stand in an expression; build the map in an assign step";
  else if (token.text === "+" && !CHOICES.unaryPlus) hint = "there is no unary plus";
  else if (token.kind === "keyword" && token.word === "not") hint = "write not(a in b) for the negation";
  return new ExpressionSyntaxError(`unexpected ${describe(token)}`, token.at, hint);
}

function parseOr(parser: Parser): Expression {
  let left = parseAnd(parser);
  for (let token; (token = accept(parser, "keyword", "or")) !== undefined;) {
    left = { kind: "logical", operator: "or", left, right: parseAnd(parser), at: token.at };
  }
  return left;
}

function parseAnd(parser: Parser): Expression {
  let left = parseComparison(parser);
  for (let token; (token = accept(parser, "keyword", "and")) !== undefined;) {
    left = { kind: "logical", operator: "and", left, right: parseComparison(parser), at: token.at };
  }
  return left;
}

function parseComparison(parser: Parser): Expression {
  let left = parseSum(parser);
  for (;;) {
    const token =
      accept(parser, "operator", "<", "<=", ">", ">=", "==", "!=") ?? accept(parser, "keyword", "in");
    if (token === undefined) return left;
    left = binary(token, left, parseSum(parser));
  }
}

function binary(token: Token, left: Expression, right: Expression): Expression {
  return { kind: "binary", operator: token.text as BinaryOperator, left, right, at: token.at };
}

function parseSum(parser: Parser): Expression {
  let left = parseProduct(parser);
  for (let token; (token = accept(parser, "operator", "+", "-")) !== undefined;)
    left = binary(token, left, parseProduct(parser));
  return left;
}

function parseProduct(parser: Parser): Expression {
  let left = parseNegative(parser);
  for (let token; (token = accept(parser, "operator", "*", "/", "//", "%")) !== undefined;) {
    left = binary(token, left, parseNegative(parser));
  }
  return left;
}

function parseNegative(parser: Parser): Expression {
  if (CHOICES.unaryPlus && accept(parser, "operator", "+") !== undefined) return parseNegative(parser);
  const minus = accept(parser, "operator", "-");
  if (minus === undefined) return parseNot(parser);
  const next = peek(parser);
  // The most negative integer has no positive twin, so the sign belongs to the literal.
  if (next.kind === "number" && typeof next.value === "bigint" && next.value === 2n ** 63n) {
    parser.position++;
    return { kind: "literal", value: -next.value };
  }
  return { kind: "unary", operator: "-", operand: parseNegative(parser), at: minus.at };
}

function parseNot(parser: Parser): Expression {
  const not = accept(parser, "keyword", "not");
  if (not === undefined) return parsePostfix(parser);
  return { kind: "unary", operator: "not", operand: parseNot(parser), at: not.at };
}

function parsePostfix(parser: Parser): Expression {
  let expression = parsePrimary(parser);
  for (;;) {
    const token = peek(parser);
    if (accept(parser, "operator", ".") !== undefined) {
      expression = { kind: "member", object: expression, key: memberName(parser), at: token.at };
    } else if (accept(parser, "operator", "[") !== undefined) {
      expression = { kind: "index", object: expression, index: parseOr(parser), at: token.at };
      expect(parser, "]");
    } else if (accept(parser, "operator", "(") !== undefined) {
      const callee = dottedName(expression);
      if (callee === undefined) {
        throw new ExpressionSyntaxError(
          "only a function can be called",
          token.at,
          "call a library function or a subworkflow by its name",
        );
      }
      const at = rootOffset(expression);
      expression = { kind: "call", callee, args: parseItems(parser, ")"), at };
    } else return expression;
  }
}

function rootOffset(expression: Expression): number {
  if (expression.kind === "member") return rootOffset(expression.object);
  return expression.kind === "variable" ? expression.at : 0;
}

function memberName(parser: Parser): string {
  const token = peek(parser);
  // A keyword after a dot is a key like any other.
  if (token.kind !== "name" && token.kind !== "keyword") {
    throw new ExpressionSyntaxError(
      `expected a name after the dot, found ${describe(token)}`,
      token.at,
      'write keys with other characters as ["my-key"]',
    );
  }
  parser.position++;
  return token.text;
}

function parseItems(parser: Parser, close: string): Expression[] {
  const items: Expression[] = [];
  if (accept(parser, "operator", close) !== undefined) return items;
  do items.push(parseOr(parser));
  while (accept(parser, "operator", ",") !== undefined);
  expect(parser, close);
  return items;
}

function parsePrimary(parser: Parser): Expression {
  const token = peek(parser);
  parser.position++;
  switch (token.kind) {
    case "string":
      return { kind: "literal", value: token.value };
    case "number":
      if (typeof token.value === "bigint" && !fitsInt64(token.value)) {
        throw new ExpressionSyntaxError(
          `the integer ${token.text} does not fit 64 bits`,
          token.at,
          "write it as a double with a decimal point",
        );
      }
      return { kind: "literal", value: token.value };
    case "name":
      return { kind: "variable", name: token.text, at: token.at };
    case "keyword": {
      const { word } = token;
      if (word === "null") return { kind: "literal", value: null };
      if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
      throw unexpected(token);
    }
    case "operator":
      if (token.text === "(") {
        const inner = parseOr(parser);
        expect(parser, ")");
        return inner;
      }
      if (token.text === "[") return { kind: "list", items: parseItems(parser, "]") };
      throw unexpected(token);
    default:
      throw unexpected(token);
  }
}
