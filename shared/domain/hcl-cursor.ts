// The ground under the HCL lexer: where it stands, what it skips, what it refuses, and its limits.
import { type SourceProblem, SourceRefusal } from "./source-problem.ts";

/** Characters of one file. A hand-written file of this size does not exist. */
export const HCL_CHARACTERS_MAX = 1_000_000;
/** Brackets, interpolations and blocks inside each other. */
export const HCL_DEPTH_MAX = 64;
/** Tokens of one file, nested ones included. */
export const HCL_TOKENS_MAX = 200_000;

/** Where the lexer stands. */
export interface Cursor {
  readonly file: string;
  readonly text: string;
  offset: number;
  line: number;
  /** What to subtract from the offset for a column counted from 0. */
  lineStart: number;
  tokens: number;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };
const UNICODE_ESCAPE = /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/y;

/** Line and column of the cursor, from 1. */
export const position = (cursor: Cursor) => ({
  line: cursor.line,
  column: cursor.offset - cursor.lineStart + 1,
});

/** Refuses what stands at the cursor. */
export function refuse(
  cursor: Cursor,
  what: string,
  remedy = "Correct the syntax; `terraform fmt` shows the place.",
): never {
  const problem: SourceProblem = { file: cursor.file, ...position(cursor), what, remedy };
  throw new SourceRefusal(problem);
}

/** Matches a sticky pattern at the cursor. */
export function match(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.offset;
  return pattern.exec(cursor.text);
}

/** Moves over `length` characters, counting line ends. */
export function advance(cursor: Cursor, length: number): void {
  const end = cursor.offset + length;
  while (cursor.offset < end) {
    cursor.offset += 1;
    if (cursor.text[cursor.offset - 1] === "\n") {
      cursor.line += 1;
      cursor.lineStart = cursor.offset;
    }
  }
}

/** Counts a token against the limit. */
export function count(cursor: Cursor): void {
  cursor.tokens += 1;
  if (cursor.tokens > HCL_TOKENS_MAX) {
    refuse(cursor, `The file has more than ${HCL_TOKENS_MAX} tokens.`, "Split it into several files.");
  }
}

/** Holds the depth against the limit. */
export function deeper(cursor: Cursor, depth: number): void {
  if (depth > HCL_DEPTH_MAX) {
    refuse(cursor, `The nesting is deeper than ${HCL_DEPTH_MAX} levels.`, "Move inner parts into locals.");
  }
}

/** Skips blanks and comments; line ends are tokens, so a line comment stops before its own. */
export function skipBlanks(cursor: Cursor): void {
  for (;;) {
    const character = cursor.text[cursor.offset];
    const two = cursor.text.slice(cursor.offset, cursor.offset + 2);
    if (character === " " || character === "\t") {
      cursor.offset += 1;
    } else if (character === "#" || two === "//") {
      const end = cursor.text.indexOf("\n", cursor.offset);
      advance(cursor, (end === -1 ? cursor.text.length : end) - cursor.offset);
    } else if (two === "/*") {
      const end = cursor.text.indexOf("*/", cursor.offset + 2);
      if (end === -1) refuse(cursor, "A comment that starts with /* does not end.", "Close it with */.");
      advance(cursor, end + 2 - cursor.offset);
    } else {
      return;
    }
  }
}

/** One escape of a quoted string; the cursor stands on the backslash. */
export function escape(cursor: Cursor): string {
  const unicode = match(cursor, UNICODE_ESCAPE);
  if (unicode !== null) {
    const code = Number.parseInt(unicode[1] ?? unicode[2] ?? "", 16);
    if (code > 0x10ffff) refuse(cursor, "The escape names no Unicode character.");
    advance(cursor, unicode[0].length);
    return String.fromCodePoint(code);
  }
  const plain = ESCAPES[cursor.text[cursor.offset + 1] ?? ""];
  if (plain === undefined) refuse(cursor, "The string has an escape that Terraform does not know.");
  advance(cursor, 2);
  return plain;
}

/** `$${` and `%%{` stand for themselves without interpolation; answers what stands here. */
export function marker(cursor: Cursor): "escaped" | "interpolation" | "text" {
  const next = cursor.text.slice(cursor.offset, cursor.offset + 3);
  if (next === "$${" || next === "%%{") return "escaped";
  return next.startsWith("${") || next.startsWith("%{") ? "interpolation" : "text";
}
