// Tokens of Terraform's native syntax (HCL, https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md).
// Stricter than Terraform on purpose: whatever two readers could understand differently is refused.
import {
  advance,
  count,
  type Cursor,
  deeper,
  escape,
  HCL_CHARACTERS_MAX,
  marker,
  match,
  position,
  refuse,
  skipBlanks,
} from "./hcl-cursor.ts";

/** A word, number, operator, end of a line, or end of the text. */
export interface HclPlainToken {
  readonly kind: "identifier" | "number" | "punctuation" | "newline" | "end";
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** A quoted string or heredoc: literal text, with the tokens of each interpolation between. */
export interface HclTemplateToken {
  readonly kind: "template";
  readonly heredoc: boolean;
  readonly parts: readonly (string | readonly HclToken[])[];
  readonly line: number;
  readonly column: number;
}

/** Any token. */
export type HclToken = HclPlainToken | HclTemplateToken;

/** The text of a template without interpolation, or undefined when it has one. */
export function templateText(token: HclTemplateToken): string | undefined {
  return token.parts.every((part) => typeof part === "string") ? token.parts.join("") : undefined;
}

const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const NUMBER = /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PUNCTUATION = /\.\.\.|==|!=|<=|>=|&&|\|\||=>|::|[-+*/%<>!?:.,=]/y;
const HEREDOC = /<<(-?)([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy;
const CLOSER: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** Reads `${ … }` or `%{ … }`; the cursor stands on the `$` or `%`. */
function interpolation(cursor: Cursor, depth: number): readonly HclToken[] {
  advance(cursor, cursor.text[cursor.offset + 2] === "~" ? 3 : 2);
  return sequence(cursor, depth + 1, true);
}

/** A quoted template; the cursor stands on the opening quote. */
function quoted(cursor: Cursor, depth: number): HclTemplateToken {
  const start = position(cursor);
  const parts: (string | readonly HclToken[])[] = [];
  let literal = "";
  advance(cursor, 1);
  for (;;) {
    const character = cursor.text[cursor.offset];
    if (character === undefined || character === "\n" || character === "\r") {
      refuse(cursor, "A quoted string does not end on its line.", 'Close it with ", or use a heredoc.');
    }
    const kind = marker(cursor);
    if (character === '"') {
      advance(cursor, 1);
      return { kind: "template", heredoc: false, parts: [...parts, literal], ...start };
    } else if (kind === "escaped") {
      literal += cursor.text.slice(cursor.offset + 1, cursor.offset + 3);
      advance(cursor, 3);
    } else if (kind === "interpolation") {
      parts.push(literal, interpolation(cursor, depth));
      literal = "";
    } else if (character === "\\") {
      literal += escape(cursor);
    } else {
      literal += character;
      advance(cursor, 1);
    }
  }
}

/** Whether the line that starts here ends the heredoc. A line that only some readers would take for the end is refused. */
function endsHeredoc(cursor: Cursor, name: string): boolean {
  const end = cursor.text.indexOf("\n", cursor.offset);
  const line = cursor.text.slice(cursor.offset, end === -1 ? cursor.text.length : end);
  if (line.replace(/\r$/, "").replace(/^[ \t]*/, "") === name) {
    if (end === -1)
      refuse(cursor, `The heredoc ends without a line end after ${name}.`, "End the file with a newline.");
    return true;
  }
  if (line.replace(/^[\s\p{C}]+|[\s\p{C}]+$/gu, "") === name) {
    refuse(
      cursor,
      `The line looks like the end of the heredoc ${name} but has unusual blanks.`,
      "Remove them.",
    );
  }
  return false;
}

/** A heredoc; the cursor stands on `<<`. Its closing newline is left to be a token. */
function heredoc(cursor: Cursor, head: RegExpExecArray, depth: number): HclTemplateToken {
  const start = position(cursor);
  const name = head[2] ?? "";
  const parts: (string | readonly HclToken[])[] = [];
  let literal = "";
  let atLineStart = true;
  advance(cursor, head[0].length);
  for (;;) {
    if (atLineStart && endsHeredoc(cursor, name)) {
      advance(cursor, cursor.text.indexOf(name, cursor.offset) + name.length - cursor.offset);
      return { kind: "template", heredoc: true, parts: [...parts, literal], ...start };
    }
    const character = cursor.text[cursor.offset];
    if (character === undefined)
      refuse(cursor, `The heredoc ${name} does not end.`, `End it with a line ${name}.`);
    const kind = marker(cursor);
    if (kind === "interpolation") {
      parts.push(literal, interpolation(cursor, depth));
      literal = "";
    } else {
      literal += kind === "escaped" ? cursor.text.slice(cursor.offset + 1, cursor.offset + 3) : character;
      advance(cursor, kind === "escaped" ? 3 : 1);
    }
    atLineStart = character === "\n";
  }
}

/** The next token that is neither bracket nor template. */
function plain(cursor: Cursor): HclPlainToken {
  const start = position(cursor);
  const kinds = [
    ["newline", /\r?\n/y],
    ["identifier", IDENTIFIER],
    ["number", NUMBER],
    ["punctuation", PUNCTUATION],
  ] as const;
  for (const [kind, pattern] of kinds) {
    const found = match(cursor, pattern);
    if (found === null) continue;
    advance(cursor, found[0].length);
    return { kind, text: found[0], ...start };
  }
  const character = String.fromCodePoint(cursor.text.codePointAt(cursor.offset) ?? 0);
  return refuse(cursor, `${JSON.stringify(character)} cannot stand here.`);
}

/** Tokens up to the end of the text, or up to the `}` that ends an interpolation. */
function sequence(cursor: Cursor, depth: number, inTemplate: boolean): readonly HclToken[] {
  const tokens: HclToken[] = [];
  const open: string[] = [];
  for (;;) {
    deeper(cursor, depth + open.length);
    skipBlanks(cursor);
    count(cursor);
    const start = position(cursor);
    const character = cursor.text[cursor.offset] ?? "";
    if (character === "") {
      if (inTemplate) refuse(cursor, "An interpolation does not end.", "Close it with }.");
      if (open.length > 0) refuse(cursor, `A closing ${open.at(-1)} is missing at the end of the file.`);
      return [...tokens, { kind: "end", text: "", ...start }];
    }
    const heredocHead = character === "<" ? match(cursor, HEREDOC) : null;
    if (
      inTemplate &&
      open.length === 0 &&
      /^~?\}/.test(cursor.text.slice(cursor.offset, cursor.offset + 2))
    ) {
      advance(cursor, character === "~" ? 2 : 1);
      return tokens;
    } else if (character === '"') {
      tokens.push(quoted(cursor, depth + open.length));
    } else if (heredocHead !== null) {
      tokens.push(heredoc(cursor, heredocHead, depth + open.length));
    } else if (character in CLOSER || ")]}".includes(character)) {
      const closer = CLOSER[character];
      if (closer !== undefined) open.push(closer);
      else if (open.pop() !== character) refuse(cursor, `${character} closes nothing that is open.`);
      advance(cursor, 1);
      tokens.push({ kind: "punctuation", text: character, ...start });
    } else {
      tokens.push(plain(cursor));
    }
  }
}

/** The tokens of a file, the last one being `end`. Throws SourceRefusal; callers turn it into a value. */
export function hclTokens(file: string, text: string): readonly HclToken[] {
  // Terraform strips one byte order mark as well.
  const cursor: Cursor = {
    file,
    text: text.replace(/^\uFEFF/, ""),
    offset: 0,
    line: 1,
    lineStart: 0,
    tokens: 0,
  };
  if (text.length > HCL_CHARACTERS_MAX) {
    refuse(
      cursor,
      `The file is longer than ${HCL_CHARACTERS_MAX} characters.`,
      "Split it into several files.",
    );
  }
  return sequence(cursor, 0, false);
}

/** The parts of a template that stands alone (a template file, or a string of JSON syntax). Throws SourceRefusal. */
export function hclTemplate(
  file: string,
  text: string,
  at: { line: number; column: number },
): HclTemplateToken {
  const cursor: Cursor = { file, text, offset: 0, line: at.line, lineStart: 1 - at.column, tokens: 0 };
  if (text.length > HCL_CHARACTERS_MAX) refuse(cursor, "The template is too long.", "Split it.");
  const parts: (string | readonly HclToken[])[] = [];
  let literal = "";
  while (cursor.offset < text.length) {
    const kind = marker(cursor);
    if (kind === "interpolation") {
      parts.push(literal, interpolation(cursor, 0));
      literal = "";
    } else {
      literal +=
        kind === "escaped" ? text.slice(cursor.offset + 1, cursor.offset + 3) : (text[cursor.offset] ?? "");
      advance(cursor, kind === "escaped" ? 3 : 1);
    }
  }
  return { kind: "template", heredoc: false, parts: [...parts, literal], ...at };
}
