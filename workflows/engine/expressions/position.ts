// Where a node of an expression stands in the source: offsets of its text into lines and columns. The text is what YAML made of
// the scalar, so escapes, doubled quotes and folded lines lie between the two.
import type { Place, Span } from "./expression.ts";

/** Lengths of the escapes of YAML's double quotes that are longer than two characters. */
const ESCAPE_LENGTHS: Readonly<Record<string, number | undefined>> = { x: 4, u: 6, U: 10 };
const SPACES = /\s+/y;

/** The position of an offset of an expression's text; the start of the scalar where the two cannot be matched. */
export function positionOf(place: Place, at: number, length = 1): Span {
  const { span, raw } = place;
  const offset = rawOffset(place, at);
  if (offset === undefined) return span;
  const breaks = raw.slice(0, offset).split("\n");
  const last = breaks.at(-1) as string;
  const column = breaks.length === 1 ? span.column + last.length : last.length + 1;
  return { line: span.line + breaks.length - 1, column, offset: span.offset + offset, length };
}

/** The offset in the raw scalar that an offset of the text comes from. */
function rawOffset({ raw, text, opening }: Place, at: number): number | undefined {
  const plain = raw.indexOf(text);
  if (plain >= 0) return plain + at;
  const start = raw.indexOf(opening);
  if (start < 0) return undefined;
  const quote = raw[0];
  let offset = start + opening.length;
  for (let index = 0; index < at;) {
    const spaces = runOf(text, index);
    const width = spaces > 0 ? runOf(raw, offset) : widthOf(raw, offset, quote, text[index]);
    if (width === 0) return undefined;
    index += Math.max(spaces, 1);
    offset += width;
  }
  return offset;
}

function runOf(text: string, at: number): number {
  SPACES.lastIndex = at;
  return SPACES.exec(text)?.[0].length ?? 0;
}

/** Characters of the raw scalar that stand for one of the text; 0 where they do not. */
function widthOf(raw: string, at: number, quote: string | undefined, character: string | undefined): number {
  if (quote === '"' && raw[at] === "\\") return ESCAPE_LENGTHS[raw[at + 1] ?? ""] ?? 2;
  if (quote === "'" && raw.startsWith("''", at)) return 2;
  return raw[at] === character ? 1 : 0;
}
