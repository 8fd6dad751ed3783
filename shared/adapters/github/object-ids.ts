// Names of trees: an object id, or the merge of two commits, which GitHub would have to write down to give it an id.
import { invalidArgument } from "../../domain/errors.ts";

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const MERGE = /^merge:([0-9a-f]{40}|[0-9a-f]{64}):([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Refuses anything but a full object id, so that no argument can be read as a path or a reference. */
export function requireObjectId(field: string, value: string): string {
  if (OBJECT_ID.test(value)) return value;
  const shown = JSON.stringify(value.slice(0, 80));
  throw invalidArgument(
    field,
    `${field} is ${shown}, which is not an object id: send all of its hex digits.`,
  );
}

/** Names the tree of a test merge by what it is made of: anyone can make it again, at any time. */
export function mergeName(base: string, head: string): string {
  return `merge:${base}:${head}`;
}

/** What a tree's name says. */
export type TreeName =
  | { readonly kind: "object"; readonly id: string }
  | { readonly kind: "merge"; readonly base: string; readonly head: string };

/** Reads the name of a tree. */
export function readTreeName(value: string): TreeName {
  const [, base, head] = MERGE.exec(value) ?? [];
  if (base !== undefined && head !== undefined) return { kind: "merge", base, head };
  return { kind: "object", id: requireObjectId("tree", value) };
}
