// Merges three trees file by file. A file that both sides changed differently is left to Git, which looks into it.
import type { TreeEntry } from "../../ports/code-host.ts";

/** The merged files, or the files that only a merge of their contents can settle. */
export type ThreeWay =
  | { readonly kind: "merged"; readonly entries: readonly TreeEntry[] }
  | { readonly kind: "contents"; readonly paths: readonly string[] };

const same = (one: TreeEntry | undefined, other: TreeEntry | undefined): boolean =>
  one?.objectId === other?.objectId && one?.mode === other?.mode;

const byPath = (tree: readonly TreeEntry[]): ReadonlyMap<string, TreeEntry> =>
  new Map(tree.map((entry) => [entry.path, entry]));

/** Every folder that a path is in. */
const foldersOf = (path: string): readonly string[] => {
  const folders: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    folders.push(path.slice(0, end));
  return folders;
};

/** Paths that are a file on one side and a folder on the other: no set of files can hold both. */
function clashes(entries: readonly TreeEntry[]): readonly string[] {
  const files = new Set(entries.map(({ path }) => path));
  const found = new Set<string>();
  for (const { path } of entries)
    for (const folder of foldersOf(path)) if (files.has(folder)) found.add(folder);
  return [...found];
}

/** Files that one side added to a folder which the other side emptied: Git may see a renamed folder, and move them along. */
function addedToEmptied(
  before: ReadonlyMap<string, TreeEntry>,
  emptying: ReadonlyMap<string, TreeEntry>,
  adding: ReadonlyMap<string, TreeEntry>,
): readonly string[] {
  const kept = new Set([...emptying.keys()].flatMap(foldersOf));
  const emptied = new Set([...before.keys()].flatMap(foldersOf).filter((folder) => !kept.has(folder)));
  if (emptied.size === 0) return [];
  return [...adding.keys()].filter(
    (path) =>
      !before.has(path) && !emptying.has(path) && foldersOf(path).some((folder) => emptied.has(folder)),
  );
}

/** What merging `head` into `base` gives, if files need not be looked into. `ancestor` is the tree of their merge base. */
export function mergeTrees(
  ancestor: readonly TreeEntry[],
  base: readonly TreeEntry[],
  head: readonly TreeEntry[],
): ThreeWay {
  const [from, ours, theirs] = [byPath(ancestor), byPath(base), byPath(head)];
  const entries: TreeEntry[] = [];
  const paths: string[] = [];
  for (const path of new Set([...from.keys(), ...ours.keys(), ...theirs.keys()])) {
    const [before, mine, other] = [from.get(path), ours.get(path), theirs.get(path)];
    if (same(mine, other) || same(before, other)) {
      if (mine !== undefined) entries.push(mine);
    } else if (same(before, mine)) {
      if (other !== undefined) entries.push(other);
    } else {
      paths.push(path);
    }
  }
  const moved = [...addedToEmptied(from, ours, theirs), ...addedToEmptied(from, theirs, ours)];
  const open = [...new Set([...paths, ...clashes(entries), ...moved])].sort();
  return open.length > 0 ? { kind: "contents", paths: open } : { kind: "merged", entries };
}
