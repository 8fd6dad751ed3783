// Scalars of the plain subset of YAML that workflow files are written in: where one ends, and what it stands for.
import { fitsInt64 } from "../values/json.ts";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const HASH = 0x23;

const codesOf = (characters: string): ReadonlySet<number> => new Set(Buffer.from(characters));

/** Characters that begin something else than plain text, or that are not worth knowing here. */
const INDICATORS = codesOf("-?:,[]{}#&*!|>'\"%@`");
/** Characters that end plain text inside brackets. */
const BRACKETS = codesOf(",[]{}");

const INTEGER = /^[-+]?[0-9]+$/;
const DOUBLE = /^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+)$/;
/** Numbers in other bases and those that are none: read by the whole reader. */
const UNUSUAL = /^(?:0[ox]|[-+]?\.(?:inf|nan))/i;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ["~", null],
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

/** Whether a character can begin plain text; a dash, only when more than a space follows. */
export function beginsPlain(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code === 0x2d) {
    const next = text.charCodeAt(at + 1);
    return next > SPACE && !BRACKETS.has(next);
  }
  return code > SPACE && !INDICATORS.has(code);
}

/** Where plain text from `from` ends, spaces behind it not included; `colon` is the index of the colon that makes it a key, or -1. */
export function plainEnd(text: string, from: number, inBrackets: boolean): { end: number; colon: number } {
  let end = from;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === NEWLINE) break;
    if (code === SPACE) continue;
    if (code === HASH && text.charCodeAt(at - 1) === SPACE) break;
    if (inBrackets && BRACKETS.has(code)) break;
    if (code === COLON) {
      const next = text.charCodeAt(at + 1);
      if (!(next > SPACE) || (inBrackets && BRACKETS.has(next))) return { end, colon: at };
    }
    end = at + 1;
  }
  return { end, colon: -1 };
}

/** What plain text stands for; undefined when the whole reader must say. */
export function plainValue(source: string): null | boolean | bigint | number | string | undefined {
  const word = WORDS.get(source);
  if (word !== undefined) return word;
  const first = source.charCodeAt(0);
  // Digits, plus, minus and the dot begin numbers; nothing else does.
  if (!((first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e))
    return source;
  if (INTEGER.test(source)) {
    const integer = BigInt(source);
    return fitsInt64(integer) ? integer : undefined;
  }
  if (DOUBLE.test(source)) {
    const double = Number(source);
    return Number.isFinite(double) ? double : undefined;
  }
  return UNUSUAL.test(source) ? undefined : source;
}

/** Quoted text on one line from its opening quote on: its value and where it ends. Undefined for what only the whole reader knows. */
export function quoted(text: string, from: number): { value: string; end: number } | undefined {
  const mark = text.charCodeAt(from);
  let escaped = false;
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === NEWLINE) return undefined;
    if (mark === QUOTE && code === BACKSLASH) {
      escaped = true;
      at++;
    } else if (code === mark) {
      if (mark === APOSTROPHE && text.charCodeAt(at + 1) === APOSTROPHE) {
        escaped = true;
        at++;
        continue;
      }
      const inside = text.slice(from + 1, at);
      const value = escaped ? unescaped(inside, mark) : inside;
      return value === undefined ? undefined : { value, end: at + 1 };
    }
  }
  return undefined;
}

function unescaped(inside: string, mark: number): string | undefined {
  if (mark === APOSTROPHE) return inside.replaceAll("''", "'");
  try {
    // The escapes of JSON mean the same in YAML; those that YAML has beside them end here.
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    return undefined;
  }
}
