// YAML or JSON text into a small tree with positions. JSON is read by the same readers, so twins give the same tree.
import { SOURCE_START, type Span } from "../expressions/expression.ts";
import { SOURCE_BYTES_MAX } from "../limits.ts";
import { readPlainSource } from "./plain-source.ts";
import type { ProblemList } from "./problem.ts";
import { readYaml } from "./yaml-source.ts";

/** A scalar: null, boolean, int64, double or string. `raw` is its text in the source. */
export interface ScalarNode {
  readonly kind: "scalar";
  readonly value: null | boolean | bigint | number | string;
  readonly raw: string;
  readonly span: Span;
}

/** A list of nodes. */
export interface ListNode {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
  readonly span: Span;
}

/** One entry of a map; the key is always text (which may be that of an expression). */
export interface MapEntry {
  readonly key: string;
  readonly keySpan: Span;
  /** The key as it stands in the source, with quotes. */
  readonly keyRaw: string;
  readonly value: SourceNode;
}

/** A map in the order of the source. */
export interface MapNode {
  readonly kind: "map";
  readonly entries: readonly MapEntry[];
  readonly span: Span;
}

/** A node of the source. */
export type SourceNode = ScalarNode | ListNode | MapNode;

/** Reads a source; undefined when it is no tree at all (the problems say why). Files in the plain subset of YAML are read many times faster. */
export function readSource(text: string, problems: ProblemList): SourceNode | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > SOURCE_BYTES_MAX) {
    problems.error(
      SOURCE_START,
      "source-size",
      `the source has ${bytes} bytes; at most ${SOURCE_BYTES_MAX} are allowed`,
      "move routines into workflows of their own",
    );
    return undefined;
  }
  return readPlainSource(text) ?? readYaml(text, problems);
}
