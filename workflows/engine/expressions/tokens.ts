// The lexer of expressions: one linear pass, no backtracking.
import { CHOICES } from "../choices.ts";

/** One token; `text` is what the source says, `word` the normal form of a keyword, `value` the content of a literal. */
export type Token =
  | { readonly kind: "operator" | "name" | "end"; readonly text: string; readonly at: number }
  | { readonly kind: "keyword"; readonly text: string; readonly word: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly value: string; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly value: bigint | number; readonly at: number };

/** A syntax error at an offset of the expression's text. */
export class ExpressionSyntaxError extends Error {
  readonly at: number;
  readonly hint: string;

  constructor(message: string, at: number, hint: string) {
    super(message);
    this.name = "ExpressionSyntaxError";
    this.at = at;
    this.hint = hint;
  }
}

const SPACE = /\s+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /\d+(\.\d+)?(?:[eE][+-]?\d+)?/y;
const OPERATOR = /\/\/|[<>=!]=|[-+*/%<>()[\].,{}:]/y;

const KEYWORDS: Record<string, string> = {
  true: "true",
  True: "true",
  TRUE: "true",
  false: "false",
  False: "false",
  FALSE: "false",
  null: "null",
  and: "and",
  AND: "and",
  or: "or",
  OR: "or",
  not: "not",
  NOT: "not",
  in: "in",
};

/** All tokens of an expression, ended by one of kind "end". @throws {ExpressionSyntaxError} for a character that starts none. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const token =
      readString(source, at) ??
      readNumber(match(NUMBER), at) ??
      readWord(match(NAME), at) ??
      readOperator(match(OPERATOR), at);
    if (token === undefined) throw unknownCharacter(source, at);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: "end", text: "", at });
  return tokens;
}

function readOperator(found: RegExpExecArray | null, at: number): Token | undefined {
  return found === null ? undefined : { kind: "operator", text: found[0], at };
}

function readWord(found: RegExpExecArray | null, at: number): Token | undefined {
  if (found === null) return undefined;
  const keyword = Object.hasOwn(KEYWORDS, found[0]) ? KEYWORDS[found[0]] : undefined;
  return keyword === undefined
    ? { kind: "name", text: found[0], at }
    : { kind: "keyword", text: found[0], word: keyword, at };
}

function readNumber(found: RegExpExecArray | null, at: number): Token | undefined {
  if (found === null) return undefined;
  const text = found[0];
  const exponent = /[eE]/.test(text);
  if (exponent && !CHOICES.exponentLiterals) {
    throw new ExpressionSyntaxError(`the number ${text} has an exponent`, at, "write the number out");
  }
  return {
    kind: "number",
    text,
    value: found[1] === undefined && !exponent ? BigInt(text) : Number(text),
    at,
  };
}

const ESCAPES: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  "/": "/",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

function readString(source: string, start: number): Token | undefined {
  const quote = source[start];
  if (quote !== '"' && quote !== "'") return undefined;
  let value = "";
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] as string;
    if (character === quote) return { kind: "string", text: source.slice(start, at + 1), value, at: start };
    if (character !== "\\") {
      value += character;
      continue;
    }
    const escape = source[++at] ?? "";
    const code = /^u[0-9a-fA-F]{4}/.exec(source.slice(at, at + 5));
    if (code !== null) {
      value += String.fromCharCode(Number.parseInt(code[0].slice(1), 16));
      at += 4;
    } else if (Object.hasOwn(ESCAPES, escape)) value += ESCAPES[escape];
    else
      throw new ExpressionSyntaxError(
        `unknown escape \\${escape} in a string`,
        at - 1,
        "write \\\\ for a backslash",
      );
  }
  throw new ExpressionSyntaxError("a string has no closing quote", start, `add ${quote} at its end`);
}

function unknownCharacter(source: string, at: number): ExpressionSyntaxError {
  const character = String.fromCodePoint(source.codePointAt(at) as number);
  const hints: Record<string, string> = {
    "=": "compare with ==; assignments belong into an assign step",
    "!": "write not(...) for a negation",
    "&": "write and",
    "|": "write or",
    "?": "there is no ternary operator; use if(condition, then, else)",
    $: "one ${...} holds the whole value; concatenate inside it with +",
  };
  return new ExpressionSyntaxError(
    `token recognition error at ${JSON.stringify(character)}`,
    at,
    hints[character] ?? "put text into double quotes",
  );
}
