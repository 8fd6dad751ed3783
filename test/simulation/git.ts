// A code host without Git: commits, trees and test merges in memory, and the checks that people see. Held to the port's contract.
import { createHash } from "node:crypto";
import { invalidArgument, notFound } from "../../shared/domain/errors.ts";
import { type Check, CHECK_ANNOTATION_BYTES_MAX, type Checks } from "../../shared/ports/checks.ts";
import type { CodeHost, TestMerge, TreeEntry } from "../../shared/ports/code-host.ts";

/** A file as a test writes it. */
export type FileContent = string | { readonly mode: string; readonly text: string };

type Files = ReadonlyMap<string, { readonly mode: string; readonly objectId: string; readonly size: number }>;

interface Commit {
  readonly parents: readonly string[];
  readonly files: Files;
  readonly people: readonly string[];
}

const REPOSITORY = /^[\w.][\w.-]*\/[\w.][\w.-]*$/;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})(?![^])/;

function requireObjectId(field: string, id: string): string {
  if (OBJECT_ID.test(id)) return id;
  throw invalidArgument(field, `${JSON.stringify(id)} is not an object id.`);
}

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** What differs between a side and the base: path → entry, or undefined for a file that is gone. */
function changes(base: Files, side: Files): Map<string, ReturnType<Files["get"]>> {
  const changed = new Map<string, ReturnType<Files["get"]>>();
  for (const path of new Set([...base.keys(), ...side.keys()])) {
    const [before, after] = [base.get(path), side.get(path)];
    if (before?.objectId !== after?.objectId || before?.mode !== after?.mode) changed.set(path, after);
  }
  return changed;
}

/** One repository of this name in memory. */
export function createSimulatedGit(name: string) {
  const blobs = new Map<string, Uint8Array>();
  const commits = new Map<string, Commit>();
  const trees = new Map<string, Files>();

  const requireRepository = (repository: string): void => {
    if (!REPOSITORY.test(repository) || repository.includes(".."))
      throw invalidArgument("repository", `${repository} is not owner/name.`);
    if (repository !== name) throw notFound(`The repository ${repository}`, "Create it first.");
  };
  const commitOf = (id: string): Commit => {
    const commit = commits.get(id);
    if (commit === undefined) throw notFound(`The commit ${id}`, "Push it first.");
    return commit;
  };
  const treeIdOf = (files: Files): string => {
    const lines = [...files].map(([path, { mode, objectId }]) => `${mode} ${objectId} ${path}`);
    const id = sha1(`tree\n${lines.toSorted(byBytes).join("\n")}`);
    trees.set(id, files);
    return id;
  };
  const firstParents = (id: string): readonly string[] => {
    const line: string[] = [];
    for (let at: string | undefined = id; at !== undefined; at = commitOf(at).parents[0]) line.push(at);
    return line;
  };
  const ancestors = (id: string): ReadonlySet<string> => {
    const found = new Set([id]);
    for (const each of found) for (const parent of commitOf(each).parents) found.add(parent);
    return found;
  };
  const mergeBaseOf = (base: string, head: string): string => {
    const ofBase = ancestors(base);
    const found = [...ancestors(head)].find((id) => ofBase.has(id));
    if (found === undefined) throw notFound(`A merge base of ${base} and ${head}`, "Rebase the branch.");
    return found;
  };
  const merge = (base: string, head: string): { files: Files } | { paths: readonly string[] } => {
    const common = commitOf(mergeBaseOf(base, head)).files;
    const ours = commitOf(base).files;
    const [left, right] = [changes(common, ours), changes(common, commitOf(head).files)];
    const conflicts = [...right]
      .filter(([path, entry]) => left.has(path) && left.get(path)?.objectId !== entry?.objectId)
      .map(([path]) => path);
    if (conflicts.length > 0) return { paths: conflicts.toSorted(byBytes) };
    const files = new Map(ours);
    for (const [path, entry] of right) {
      if (entry === undefined) files.delete(path);
      else files.set(path, entry);
    }
    return { files };
  };
  const add = (commit: Commit): string => {
    const id = sha1(`commit\n${treeIdOf(commit.files)}\n${commit.parents.join()}\n${commits.size}`);
    commits.set(id, commit);
    return id;
  };

  const codeHost: CodeHost = {
    async tree(repository, id): Promise<readonly TreeEntry[]> {
      requireRepository(repository);
      requireObjectId("tree", id);
      const files = commits.get(id)?.files ?? trees.get(id);
      if (files === undefined) throw notFound(`The tree ${id}`, "Push it first.");
      return [...files]
        .map(([path, entry]) => ({ path, ...entry }))
        .toSorted((one, other) => byBytes(one.path, other.path));
    },
    async blob(repository, objectId) {
      requireRepository(repository);
      const bytes = blobs.get(objectId);
      if (bytes === undefined) throw notFound(`The blob ${objectId}`, "Push it first.");
      return bytes.slice();
    },
    async testMerge(repository, base, head): Promise<TestMerge> {
      requireRepository(repository);
      const merged = merge(base, head);
      return "paths" in merged
        ? { kind: "conflict", paths: merged.paths }
        : { kind: "merged", tree: treeIdOf(merged.files) };
    },
    async history(repository, base, head) {
      requireRepository(repository);
      const mergeBase = mergeBaseOf(base, head);
      const known = ancestors(mergeBase);
      const people = [...ancestors(head)].filter((id) => !known.has(id)).flatMap((id) => commitOf(id).people);
      return {
        mergeBase,
        people: [...new Set(people)].toSorted(),
        firstParentCount: firstParents(head).length,
      };
    },
  };

  return {
    codeHost,
    /** Commits files over those of the first parent. */
    commit(change: {
      readonly parent?: string;
      readonly files: Readonly<Record<string, FileContent>>;
      readonly people?: readonly string[];
    }): string {
      const { parent, people = [] } = change;
      const files = new Map(parent === undefined ? [] : commitOf(parent).files);
      for (const [path, content] of Object.entries(change.files)) {
        const { mode, text } = typeof content === "string" ? { mode: "100644", text: content } : content;
        const bytes = Buffer.from(text);
        const objectId = sha1(`blob ${bytes.length}\0${text}`);
        blobs.set(objectId, bytes);
        files.set(path, { mode, objectId, size: bytes.length });
      }
      return add({ parents: parent === undefined ? [] : [parent], files, people });
    },
    /** Merges head into base; undefined when they conflict. */
    mergeCommit(base: string, head: string): string | undefined {
      const merged = merge(base, head);
      return "paths" in merged ? undefined : add({ parents: [base, head], files: merged.files, people: [] });
    },
  };
}

/** Checks and comments in memory. */
export function createSimulatedChecks(): Checks {
  const checks = new Map<string, Check>();
  const comments = new Map<string, Map<string, string>>();
  return {
    async put(check) {
      if (check.annotations.some(({ message }) => Buffer.byteLength(message) > CHECK_ANNOTATION_BYTES_MAX))
        throw invalidArgument("annotations", "A message is larger than GitHub takes: cut it.");
      const known = checks.get(check.id);
      if (known === undefined || known.updatedAt <= check.updatedAt)
        checks.set(check.id, structuredClone(check));
    },
    list: async (repository, commit) =>
      structuredClone(
        [...checks.values()]
          .filter(
            (check) => check.repository === repository && (commit === undefined || check.commit === commit),
          )
          .toSorted((one, other) => byBytes(one.id, other.id)),
      ),
    async comment(repository, pullRequest, key, markdown) {
      const of = `${repository}#${pullRequest}`;
      comments.set(of, new Map([...(comments.get(of) ?? []), [key, markdown]]));
    },
    comments: async (repository, pullRequest) =>
      [...(comments.get(`${repository}#${pullRequest}`) ?? [])]
        .map(([key, markdown]) => ({ key, markdown }))
        .toSorted((one, other) => byBytes(one.key, other.key)),
  };
}
