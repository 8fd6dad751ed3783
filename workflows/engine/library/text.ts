// text.*: positions count characters (code points), regular expressions are RE2 and so run in linear time.
import { RE2JS } from "re2js";
import { CHOICES } from "../choices.ts";
import { checkString } from "../values/limits.ts";
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { decodeText, encodeText } from "./charsets.ts";
import { asBytes, asInteger, asString, pure, tableOf } from "./library-function.ts";

/** Compiled patterns that are kept; loops use few. */
const PATTERNS_MAX = 64;
const patterns = new Map<string, RE2JS>();

/** A pattern of RE2. Of matches that begin at one place the longest is taken, as the documentation says. */
function compilePattern(value: Value | undefined): RE2JS {
  const source = asString(value, "regexp");
  const known = patterns.get(source);
  if (known !== undefined) return known;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, RE2JS.LONGEST_MATCH);
  } catch (error) {
    throw runtimeError(
      "ValueError",
      `invalid regular expression ${JSON.stringify(source)}: ${error instanceof Error ? error.message : "unknown"}`,
    );
  }
  if (patterns.size >= PATTERNS_MAX) patterns.delete(patterns.keys().next().value as string);
  patterns.set(source, compiled);
  return compiled;
}

/** Turns growing UTF-16 offsets of a text into character positions in one pass. */
function characterCounter(text: string): (offset: number) => bigint {
  let units = 0;
  let characters = 0n;
  return (offset) => {
    while (units < offset) {
      units += (text.codePointAt(units) as number) > 0xffff ? 2 : 1;
      characters++;
    }
    return characters;
  };
}

/** The UTF-16 offsets of a substring, left to right without overlap; an empty one is found before each character and at the end. */
function* offsetsOf(source: string, substr: string): Generator<number> {
  if (substr !== "") {
    for (let at = source.indexOf(substr); at >= 0; at = source.indexOf(substr, at + substr.length)) yield at;
    return;
  }
  let at = 0;
  for (const character of source) {
    yield at;
    at += character.length;
  }
  yield at;
}

function findAll(source: string, substr: string): Value {
  if (substr === "" && CHOICES.emptySubstring === "ValueError")
    throw runtimeError("ValueError", "substr must not be empty");
  const position = characterCounter(source);
  return Array.from(offsetsOf(source, substr), position);
}

function findAllRegex(source: string, pattern: RE2JS): Value {
  const matcher = pattern.matcher(source);
  const position = characterCounter(source);
  const found: Value[] = [];
  while (matcher.find()) {
    found.push(
      new Map<string, Value>([
        ["index", position(matcher.start())],
        ["match", matcher.group() ?? ""],
      ]),
    );
  }
  return found;
}

// Texts that grow by replacing are checked as they grow, long before they could fill the host's memory.
function replaceAll(source: string, substr: string, replacement: string): string {
  let result = "";
  let end = 0;
  for (const at of offsetsOf(source, substr)) {
    result = checkString(result + source.slice(end, at) + replacement);
    end = at + substr.length;
  }
  return checkString(result + source.slice(end));
}

function replaceAllRegex(source: string, pattern: RE2JS, template: string): string {
  const matcher = pattern.matcher(source);
  const groups = matcher.groupCount();
  const expand = (_: string, reference: string): string => {
    if (reference === "\\") return "\\";
    if (Number(reference) > groups)
      throw runtimeError("ValueError", `the pattern has no group \\${reference}`);
    return matcher.group(Number(reference)) ?? "";
  };
  let result = "";
  let end = 0;
  while (matcher.find()) {
    const replacement =
      CHOICES.regexReferences === "expand" ? template.replaceAll(/\\([0-9\\])/g, expand) : template;
    result = checkString(result + source.slice(end, matcher.start()) + replacement);
    end = matcher.end();
  }
  return checkString(result + source.slice(end));
}

function substring(source: string, from: bigint, to: bigint): string {
  const characters = Array.from(source);
  const length = BigInt(characters.length);
  const outside = from < 0n || to > length || from > to;
  if (outside && CHOICES.substringBounds === "ValueError") {
    throw runtimeError(
      "ValueError",
      `substring ${from} to ${to} is out of bounds (the text has ${length} characters)`,
    );
  }
  return characters.slice(Math.max(0, Number(from)), Math.max(0, Number(to))).join("");
}

function split(source: string, separator: string): Value {
  if (separator !== "") return source.split(separator);
  if (CHOICES.emptySeparator === "characters") return Array.from(source);
  throw runtimeError("ValueError", "separator must not be empty");
}

/** Percent-encodes everything but the unreserved characters of RFC 3986. */
function urlEncode(source: string): string {
  return encodeURIComponent(source.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function urlDecode(source: string): string {
  try {
    return decodeURIComponent(source.replaceAll("+", " "));
  } catch {
    throw runtimeError("ValueError", `${JSON.stringify(source)} has an invalid percent escape`);
  }
}

function nameOf(charset: Value | undefined): string {
  return charset === undefined ? "UTF-8" : asString(charset, "charset");
}

/** text.* */
export const TEXT_FUNCTIONS = tableOf([
  pure("text.encode", "text charset?", ([text, charset]) =>
    encodeText(asString(text, "text"), nameOf(charset)),
  ),
  pure("text.decode", "data charset?", ([data, charset]) =>
    decodeText(asBytes(data, "data"), nameOf(charset)),
  ),
  pure("text.find_all", "source substr", ([source, substr]) =>
    findAll(asString(source, "source"), asString(substr, "substr")),
  ),
  pure("text.find_all_regex", "source regexp", ([source, regexp]) =>
    findAllRegex(asString(source, "source"), compilePattern(regexp)),
  ),
  pure("text.match_regex", "source regexp", ([source, regexp]) =>
    compilePattern(regexp).matcher(asString(source, "source")).find(),
  ),
  pure("text.replace_all", "source substr repl", ([source, substr, repl]) => {
    return replaceAll(asString(source, "source"), asString(substr, "substr"), asString(repl, "repl"));
  }),
  pure("text.replace_all_regex", "source substr repl", ([source, pattern, repl]) => {
    return replaceAllRegex(asString(source, "source"), compilePattern(pattern), asString(repl, "repl"));
  }),
  pure("text.split", "source separator", ([source, separator]) =>
    split(asString(source, "source"), asString(separator, "separator")),
  ),
  pure("text.substring", "source start end", ([source, start, end]) => {
    return substring(asString(source, "source"), asInteger(start, "start"), asInteger(end, "end"));
  }),
  // Choice: caseMapping.
  pure("text.to_lower", "source", ([source]) => asString(source, "source").toLowerCase()),
  pure("text.to_upper", "source", ([source]) => asString(source, "source").toUpperCase()),
  pure("text.url_encode", "source", ([source]) => urlEncode(asString(source, "source"))),
  pure("text.url_encode_plus", "source", ([source]) =>
    urlEncode(asString(source, "source")).replaceAll("%20", "+"),
  ),
  pure("text.url_decode", "source", ([source]) => urlDecode(asString(source, "source"))),
]);
