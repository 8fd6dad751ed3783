// YAML 1.2 (core schema) read with bounds: size, aliases and depth capped, no tags of any programming language, no doubled keys.
import { isNode, LineCounter, type Document, parseDocument } from "yaml";
import type { SourceProblem } from "./source-problem.ts";

/** Characters of one document. */
export const YAML_CHARACTERS_MAX = 256 * 1024;
/** Brackets or list dashes inside each other. */
export const YAML_DEPTH_MAX = 100;
/** Nodes that aliases may add. */
export const YAML_ALIASES_MAX = 50;

/** A parsed document with the way from a path in it to its place in the text. */
export interface YamlDocument {
  readonly value: unknown;
  /** Line and column of the deepest existing node on the way along the path. */
  readonly locate: (path: readonly (string | number)[]) => { readonly line: number; readonly column: number };
}

/** The place of a key, not of its value, so that a problem points at what a person reads first. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (typeof parent !== "object" || parent === null || !("items" in parent) || !Array.isArray(parent.items))
      continue;
    for (const [index, item] of parent.items.entries()) {
      const candidate: unknown =
        typeof key === "number" ? (index === key ? item : undefined) : keyNode(item, key);
      if (isNode(candidate) && candidate.range) return candidate.range[0];
    }
  }
  return 0;
}

/** The key of a pair when it is the one that is looked for. */
function keyNode(item: unknown, key: string | undefined): unknown {
  if (typeof item !== "object" || item === null || !("key" in item) || !isNode(item.key)) return undefined;
  return String(item.key.toJSON()) === key ? item.key : undefined;
}

/** Whether the text nests so deeply that parsing it would take long; brackets in strings and comments count as well. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth += 1;
    if ((character === "]" || character === "}") && depth > 0) depth -= 1;
    if (depth > YAML_DEPTH_MAX) return true;
  }
  return /(?:[-?:][ \t]+){100}/.test(text);
}

/** Reads a document, or says where it cannot be read. */
export function readYaml(
  file: string,
  text: string,
): YamlDocument | { readonly problems: readonly SourceProblem[] } {
  const start = { file, line: 1, column: 1 };
  if (text.length > YAML_CHARACTERS_MAX) {
    const what = `The file is longer than ${YAML_CHARACTERS_MAX} characters.`;
    return { problems: [{ ...start, what, remedy: "Shorten it." }] };
  }
  const tooDeep = { problems: [{ ...start, what: "The nesting is too deep.", remedy: "Write it flat." }] };
  if (isTooDeep(text)) return tooDeep;
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  try {
    const document = parseDocument(text, {
      version: "1.2",
      schema: "core",
      merge: false,
      lineCounter: lines,
    });
    const faults = [...document.errors, ...document.warnings];
    if (faults.length > 0) {
      const problems = faults.slice(0, 20).map((fault) => ({
        file,
        ...at(fault.pos[0]),
        what: `${fault.message.split("\n", 1)[0]?.replace(/ at line .*$/, "") ?? "The YAML cannot be read"}.`,
        remedy: "Correct the YAML.",
      }));
      return { problems };
    }
    const value: unknown = document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
    return { value, locate: (path) => at(offsetOf(document, path)) };
  } catch (error) {
    // The parser throws these two when aliases or nesting exceed what it can hold; anything else is a defect.
    if (!(error instanceof ReferenceError || error instanceof RangeError)) throw error;
    const what =
      error instanceof ReferenceError ? "The file uses too many aliases." : "The nesting is too deep.";
    return { problems: [{ ...start, what, remedy: "Write the values out, flat." }] };
  }
}
