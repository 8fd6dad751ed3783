// A fast reader for the plain subset of YAML that workflow files are written in: block maps and lists, text on one line, brackets
// (and with them JSON). Whatever else a text holds, also every mistake, is left to the whole reader: the answer is undefined then.
import type { Span } from "../expressions/expression.ts";
import { SOURCE_DEPTH_MAX } from "../limits.ts";
import { beginsPlain, plainEnd, plainValue, quoted } from "./plain-scalars.ts";
import type { ListNode, MapEntry, MapNode, ScalarNode, SourceNode } from "./source.ts";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const DASH = 0x2d;
const HASH = 0x23;
const COLON = 0x3a;
const COMMA = 0x2c;
const LIST = 0x5b;
const MAP = 0x7b;

/** Characters of a key; YAML allows about as many before its colon. */
const KEY_CHARACTERS_MAX = 1_000;

/** Tabs, carriage returns, control characters and marks of byte order. */
const UNUSUAL = /[^\n\u0020-\u007e\u00a0-\u2027\u202a-\ufefe\uff00-\ufffd]/;
/** What separates documents, or speaks to the reader. */
const DIRECTIVES = /^(?:---|\.\.\.|%)/m;

interface Reader {
  readonly text: string;
  /** Of the character to read next. */
  at: number;
  line: number;
  lineStart: number;
  depth: number;
}

/** The tree of a text in the plain subset; undefined for any other text. */
export function readPlainSource(text: string): SourceNode | undefined {
  if (UNUSUAL.test(text) || DIRECTIVES.test(text)) return undefined;
  const reader: Reader = { text, at: 0, line: 1, lineStart: 0, depth: 0 };
  if (!toContent(reader)) return undefined;
  const node = isBracket(reader) ? inline(reader, -1) : block(reader);
  return ended(reader) ? node : undefined;
}

const code = ({ text, at }: Reader): number => text.charCodeAt(at);
const column = ({ at, lineStart }: Reader): number => at - lineStart;
const ended = ({ at, text }: Reader): boolean => at >= text.length;
const isBracket = (reader: Reader): boolean => code(reader) === LIST || code(reader) === MAP;
const isItem = ({ text, at }: Reader): boolean =>
  text.charCodeAt(at) === DASH && text.charCodeAt(at + 1) === SPACE;

function span({ line, lineStart }: Reader, from: number, to: number): Span {
  return { line, column: from - lineStart + 1, offset: from, length: to - from };
}

/** Moves from the start of a line over empty lines and comments to the next content; false at the end of the text. */
function toContent(reader: Reader): boolean {
  for (;;) {
    skipSpaces(reader);
    if (code(reader) === HASH) {
      const end = reader.text.indexOf("\n", reader.at);
      reader.at = end < 0 ? reader.text.length : end;
    }
    if (code(reader) !== NEWLINE) return !ended(reader);
    newline(reader);
  }
}

function newline(reader: Reader): void {
  reader.at++;
  reader.line++;
  reader.lineStart = reader.at;
}

function skipSpaces(reader: Reader): void {
  while (code(reader) === SPACE) reader.at++;
}

/** Moves over spaces and a comment to the next line's content; false when something else stands behind. */
function endLine(reader: Reader): boolean {
  const from = reader.at;
  skipSpaces(reader);
  if (code(reader) === HASH && reader.at === from) return false;
  if (code(reader) !== NEWLINE && code(reader) !== HASH && !ended(reader)) return false;
  toContent(reader);
  return true;
}

/** A list or map whose first line begins here. */
function block(reader: Reader): SourceNode | undefined {
  if (++reader.depth >= SOURCE_DEPTH_MAX) return undefined;
  const node = isItem(reader) ? list(reader) : map(reader);
  reader.depth--;
  return node;
}

function list(reader: Reader): ListNode | undefined {
  const indent = column(reader);
  const start = span(reader, reader.at, reader.at);
  const items: SourceNode[] = [];
  while (!ended(reader) && column(reader) === indent && isItem(reader)) {
    reader.at++;
    skipSpaces(reader);
    const item = isItem(reader) || isKey(reader) ? block(reader) : inline(reader, indent);
    if (item === undefined || tooDeep(reader, indent)) return undefined;
    items.push(item);
  }
  return { kind: "list", items, span: upTo(start, items.at(-1)) };
}

/** Whether the next content belongs to what came before it, such as text over several lines. */
const tooDeep = (reader: Reader, indent: number): boolean => !ended(reader) && column(reader) > indent;

function upTo(start: Span, last: SourceNode | undefined): Span {
  return last === undefined
    ? start
    : { ...start, length: last.span.offset + last.span.length - start.offset };
}

/** Whether a key of a map stands here. */
function isKey(reader: Reader): boolean {
  const { text, at } = reader;
  if (isQuote(reader)) {
    const end = quoted(text, at)?.end;
    return end !== undefined && text.charCodeAt(end) === COLON;
  }
  return beginsPlain(text, at) && plainEnd(text, at, false).colon >= 0;
}

const isQuote = (reader: Reader): boolean => code(reader) === 0x22 || code(reader) === 0x27;

function map(reader: Reader): MapNode | undefined {
  const indent = column(reader);
  const start = span(reader, reader.at, reader.at);
  const entries: MapEntry[] = [];
  while (!ended(reader) && column(reader) === indent) {
    const key = readKey(reader, false);
    if (key === undefined || isTaken(entries, key.key)) return undefined;
    const value = valueOf(reader, indent);
    if (value === undefined || tooDeep(reader, indent)) return undefined;
    entries.push({ ...key, value });
  }
  return { kind: "map", entries, span: upTo(start, entries.at(-1)?.value) };
}

/** Maps with more entries than this are left to the whole reader: their keys are compared one by one here. */
const ENTRIES_MAX = 200;

/** Whether a map has a key already, or too many. */
const isTaken = (entries: readonly MapEntry[], key: string): boolean =>
  entries.length >= ENTRIES_MAX || entries.some((entry) => entry.key === key);

/** A key up to behind its colon. */
function readKey(reader: Reader, inBrackets: boolean): Omit<MapEntry, "value"> | undefined {
  const { text, at } = reader;
  if (isQuote(reader)) {
    const found = quoted(text, at);
    if (found === undefined || text.charCodeAt(found.end) !== COLON) return undefined;
    const next = text.charCodeAt(found.end + 1);
    if (!inBrackets && next > SPACE) return undefined;
    reader.at = found.end + 1;
    return { key: found.value, keySpan: span(reader, at, found.end), keyRaw: text.slice(at, found.end) };
  }
  if (!beginsPlain(text, at)) return undefined;
  const { end, colon } = plainEnd(text, at, inBrackets);
  if (colon !== end || end - at > KEY_CHARACTERS_MAX) return undefined;
  const key = text.slice(at, end);
  // A key that is a number or a word of YAML is compared with others by its value.
  if (plainValue(key) !== key) return undefined;
  reader.at = end + 1;
  return { key, keySpan: span(reader, at, end), keyRaw: key };
}

/** The value behind a key: on its line, or below it. */
function valueOf(reader: Reader, indent: number): SourceNode | undefined {
  skipSpaces(reader);
  if (code(reader) !== NEWLINE && code(reader) !== HASH && !ended(reader)) return inline(reader, indent);
  if (!endLine(reader) || ended(reader)) return undefined;
  const isBelow = column(reader) > indent && (isItem(reader) || isKey(reader));
  return isBelow || (column(reader) === indent && isItem(reader)) ? block(reader) : undefined;
}

/** A value that ends its line. */
function inline(reader: Reader, indent: number): SourceNode | undefined {
  const node = isBracket(reader) ? bracketed(reader, indent) : scalar(reader, false);
  return node === undefined || !endLine(reader) ? undefined : node;
}

function scalar(reader: Reader, inBrackets: boolean): ScalarNode | undefined {
  const { text, at } = reader;
  if (isQuote(reader)) {
    const found = quoted(text, at);
    if (found === undefined) return undefined;
    reader.at = found.end;
    const raw = text.slice(at, found.end);
    return { kind: "scalar", value: found.value, raw, span: span(reader, at, found.end) };
  }
  if (!beginsPlain(text, at)) return undefined;
  const { end, colon } = plainEnd(text, at, inBrackets);
  if (colon >= 0) return undefined;
  const raw = text.slice(at, end);
  const value = plainValue(raw);
  if (value === undefined) return undefined;
  reader.at = end;
  return { kind: "scalar", value, raw, span: span(reader, at, end) };
}

/** Moves over spaces and line ends inside brackets; false when a line is not indented deeper than the block around it. */
function toNext(reader: Reader, indent: number): boolean {
  const { line } = reader;
  for (;;) {
    skipSpaces(reader);
    if (code(reader) !== NEWLINE) break;
    newline(reader);
  }
  return reader.line === line || column(reader) > indent;
}

/** A list or map in brackets. */
function bracketed(reader: Reader, indent: number): ListNode | MapNode | undefined {
  if (++reader.depth >= SOURCE_DEPTH_MAX) return undefined;
  const isMap = code(reader) === MAP;
  const close = isMap ? 0x7d : 0x5d;
  const start = span(reader, reader.at, reader.at);
  const items: SourceNode[] = [];
  const entries: MapEntry[] = [];
  reader.at++;
  if (!toNext(reader, indent)) return undefined;
  while (code(reader) !== close) {
    if (isMap) {
      const entry = bracketedEntry(reader, indent);
      if (entry === undefined || isTaken(entries, entry.key)) return undefined;
      entries.push(entry);
    } else {
      const item = bracketedItem(reader, indent);
      if (item === undefined) return undefined;
      items.push(item);
    }
    if (!toNext(reader, indent)) return undefined;
    if (code(reader) === close) break;
    if (code(reader) !== COMMA) return undefined;
    reader.at++;
    if (!toNext(reader, indent) || code(reader) === close) return undefined;
  }
  reader.at++;
  reader.depth--;
  const whole = { ...start, length: reader.at - start.offset };
  return isMap ? { kind: "map", entries, span: whole } : { kind: "list", items, span: whole };
}

function bracketedEntry(reader: Reader, indent: number): MapEntry | undefined {
  const key = readKey(reader, true);
  if (key === undefined || !toNext(reader, indent)) return undefined;
  const value = isBracket(reader) ? bracketed(reader, indent) : scalar(reader, true);
  return value === undefined ? undefined : { ...key, value };
}

/** An item of a list in brackets: a value, or one `key: value` without brackets of its own. */
function bracketedItem(reader: Reader, indent: number): SourceNode | undefined {
  if (isBracket(reader)) return bracketed(reader, indent);
  const { at, line } = reader;
  const plain = scalar(reader, true);
  if (plain !== undefined && code(reader) !== COLON) return plain;
  reader.at = at;
  const entry = bracketedEntry(reader, indent);
  // Over several lines such a pair is a mistake or a long key: neither is for here.
  if (entry === undefined || reader.line !== line) return undefined;
  return { kind: "map", entries: [entry], span: upTo(entry.keySpan, entry.value) };
}
