// Literal values among HCL expressions, read without evaluating anything.
import { type HclToken, templateText } from "./hcl-lexer.ts";

/** A value that is written out in the source. */
export type HclValue = string | number | boolean | null | readonly HclValue[] | HclObject;

/** An object whose keys and values are written out in the source. */
export interface HclObject {
  readonly [key: string]: HclValue;
}

/** Whether a literal is an object (and not a list). */
export function isHclObject(value: HclValue | undefined): value is HclObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Reader {
  readonly tokens: readonly HclToken[];
  at: number;
}

const WORDS: ReadonlyMap<string, HclValue> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

const punctuation = (token: HclToken | undefined, text: string): boolean =>
  token?.kind === "punctuation" && token.text === text;

function skipNewlines(reader: Reader): void {
  while (reader.tokens[reader.at]?.kind === "newline") reader.at += 1;
}

/** The items of a list, up to and with the closing bracket; undefined when one is not a literal. */
function list(reader: Reader): HclValue | undefined {
  const items: HclValue[] = [];
  for (;;) {
    skipNewlines(reader);
    if (punctuation(reader.tokens[reader.at], "]")) {
      reader.at += 1;
      return items;
    }
    const item = value(reader);
    if (item === undefined) return undefined;
    items.push(item);
    skipNewlines(reader);
    if (punctuation(reader.tokens[reader.at], ",")) reader.at += 1;
    else if (!punctuation(reader.tokens[reader.at], "]")) return undefined;
  }
}

function key(token: HclToken | undefined): string | undefined {
  if (token?.kind === "template" && !token.heredoc) return templateText(token);
  return token?.kind === "identifier" ? token.text : undefined;
}

/** The entries of an object, up to and with the closing brace; undefined when one is not a literal. */
function object(reader: Reader): HclValue | undefined {
  const entries: [string, HclValue][] = [];
  for (;;) {
    skipNewlines(reader);
    if (punctuation(reader.tokens[reader.at], "}")) {
      reader.at += 1;
      // A doubled key has no single value: some readers keep the first, some the last.
      return new Set(entries.map(([name]) => name)).size === entries.length
        ? Object.fromEntries(entries)
        : undefined;
    }
    const name = key(reader.tokens[reader.at]);
    const sign = reader.tokens[reader.at + 1];
    if (name === undefined || !(punctuation(sign, "=") || punctuation(sign, ":"))) return undefined;
    reader.at += 2;
    const item = value(reader);
    if (item === undefined) return undefined;
    entries.push([name, item]);
    if (punctuation(reader.tokens[reader.at], ",")) reader.at += 1;
    else if (reader.tokens[reader.at]?.kind !== "newline" && !punctuation(reader.tokens[reader.at], "}")) {
      return undefined;
    }
  }
}

function value(reader: Reader): HclValue | undefined {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token === undefined) return undefined;
  if (token.kind === "template") return token.heredoc ? undefined : templateText(token);
  if (token.kind === "number") return Number(token.text);
  if (token.kind === "identifier") return WORDS.get(token.text);
  if (punctuation(token, "-")) {
    const number = value(reader);
    return typeof number === "number" ? -number : undefined;
  }
  if (punctuation(token, "[")) return list(reader);
  return punctuation(token, "{") ? object(reader) : undefined;
}

/** The value of an expression that is a literal as a whole, else undefined. Depth is bounded by the lexer. */
export function literalOf(tokens: readonly HclToken[]): HclValue | undefined {
  const reader: Reader = { tokens, at: 0 };
  const found = value(reader);
  return reader.at === tokens.length ? found : undefined;
}
