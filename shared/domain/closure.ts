// Which files a stack is made of: its directory, the local modules it reaches, its variable files and the paths it watches.
import { createHash } from "node:crypto";
import { attributeOf } from "./hcl.ts";
import type { SourceProblem } from "./source-problem.ts";
import {
  compareBytes,
  directoryOf,
  isConfigurationFile,
  moduleSource,
  readTerraformFile,
  resolveInside,
  TERRAFORM_FILE_BYTES_MAX,
} from "./terraform-files.ts";

/** Files of one stack. */
export const CLOSURE_FILES_MAX = 5_000;
/** Bytes of one stack's files together. */
export const CLOSURE_BYTES_MAX = 64 * 1024 * 1024;
/** Local modules of one stack. */
export const CLOSURE_MODULES_MAX = 500;

/** A file as a Git tree lists it. */
export interface ListedFile {
  readonly path: string;
  readonly mode: string;
  readonly objectId: string;
  readonly size: number;
}

/** A file of a closure. */
export interface ClosureFile {
  readonly path: string;
  readonly mode: string;
  readonly objectId: string;
}

/** What of a stack's configuration decides about its files. */
export interface ClosureOf {
  /** Path in the repository; `.` for its root. */
  readonly directory: string;
  /** Paths relative to the directory. */
  readonly varFiles: readonly string[];
  /** Paths of files or folders in the repository. */
  readonly watch: readonly string[];
}

/** A stack's files, or why they cannot be told. */
export type Closure =
  | {
      readonly kind: "closure";
      /** Byte-sorted by path. */
      readonly files: readonly ClosureFile[];
      /** `sha256:` over lines `mode SP object-id SP path LF`. */
      readonly closureDigest: string;
      /** Directories that Terraform reads as modules, the root module first. */
      readonly modules: readonly string[];
    }
  | { readonly kind: "refused"; readonly problems: readonly SourceProblem[] };

/** Digest of a closure: two stacks with the same digest have the same files with the same contents. */
export function closureDigest(files: readonly ClosureFile[]): string {
  const hash = createHash("sha256");
  for (const { mode, objectId, path } of files) hash.update(`${mode} ${objectId} ${path}\n`);
  return `sha256:${hash.digest("hex")}`;
}

/** Reads the content of a listed file. */
export type ReadListed = (file: ListedFile) => Promise<Uint8Array>;

const within = (path: string, folder: string): boolean => folder === "" || path.startsWith(`${folder}/`);
const place = (file: string, line = 1, column = 1) => ({ file, line, column });

/** The local modules that the files of one directory call. */
async function calledModules(
  directory: string,
  files: readonly ListedFile[],
  read: ReadListed,
): Promise<{ readonly modules: readonly string[]; readonly problems: readonly SourceProblem[] }> {
  const modules: string[] = [];
  const problems: SourceProblem[] = [];
  for (const listed of files) {
    const tooLarge = listed.size > TERRAFORM_FILE_BYTES_MAX;
    const file = readTerraformFile(listed.path, tooLarge ? new Uint8Array(listed.size) : await read(listed));
    if ("problem" in file) {
      problems.push(file.problem);
      continue;
    }
    for (const block of file.body.blocks) {
      const source = block.type === "module" ? attributeOf(block.body, "source") : undefined;
      // A source that is no literal, or remote, adds no files; the scan judges it.
      if (source === undefined || typeof source.expression.literal !== "string") continue;
      const target = moduleSource(directory, source.expression.literal);
      if (target.kind === "local") modules.push(target.directory);
      if (target.kind !== "escapes") continue;
      const what = `The module source ${source.expression.literal} leads out of the repository.`;
      const remedy = "Use a directory of this repository.";
      problems.push({ ...place(listed.path, source.line, source.column), what, remedy });
    }
  }
  return { modules, problems };
}

/** Every directory that Terraform reads as a module, the root module first. */
async function moduleDirectories(root: string, tree: readonly ListedFile[], read: ReadListed) {
  const byDirectory = Map.groupBy(
    tree.filter(({ path, mode }) => isConfigurationFile(path) && mode.startsWith("100")),
    ({ path }) => directoryOf(path),
  );
  const problems: SourceProblem[] = [];
  const modules = [root];
  for (let index = 0; index < modules.length && index < CLOSURE_MODULES_MAX; index += 1) {
    const directory = modules[index] ?? "";
    const files = byDirectory.get(directory) ?? [];
    if (files.length === 0) {
      const what = `${directory === "" ? "The root" : directory} holds no Terraform files.`;
      problems.push({ ...place(directory), what, remedy: "Correct the directory, or add a .tf file to it." });
    }
    const called = await calledModules(directory, files, read);
    problems.push(...called.problems);
    for (const module of called.modules) if (!modules.includes(module)) modules.push(module);
  }
  if (modules.length > CLOSURE_MODULES_MAX) {
    const what = `The stack has more than ${CLOSURE_MODULES_MAX} local modules.`;
    problems.push({ ...place(root), what, remedy: "Split the stack." });
  }
  return { modules, problems };
}

/** Entries that cannot be part of a working copy. */
function entryProblems(files: readonly ListedFile[]): readonly SourceProblem[] {
  const problems: SourceProblem[] = [];
  for (const { path, mode } of files) {
    if (mode === "100644" || mode === "100755") continue;
    const kind =
      mode === "120000" ? "a symbolic link" : mode === "160000" ? "a submodule" : `of mode ${mode}`;
    const remedy = "Put the content itself into the stack.";
    problems.push({ ...place(path), what: `${path} is ${kind}; a stack has only regular files.`, remedy });
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (files.length > CLOSURE_FILES_MAX || bytes > CLOSURE_BYTES_MAX) {
    const what = `The stack has ${files.length} files of ${bytes} bytes; at most ${CLOSURE_FILES_MAX} and ${CLOSURE_BYTES_MAX} are allowed.`;
    problems.push({
      ...place(files[0]?.path ?? ""),
      what,
      remedy: "Move what Terraform does not need elsewhere.",
    });
  }
  return problems;
}

/** Finds a stack's files in a tree. `read` is asked only for configuration files of the stack's modules. */
export async function closureOf(
  stack: ClosureOf,
  tree: readonly ListedFile[],
  read: ReadListed,
): Promise<Closure> {
  const root = resolveInside("", stack.directory);
  if (root === undefined || stack.directory.startsWith("/")) {
    const what = `The directory ${stack.directory} is not inside the repository.`;
    return {
      kind: "refused",
      problems: [{ ...place(stack.directory), what, remedy: "Write a path without `..`." }],
    };
  }
  const { modules, problems } = await moduleDirectories(root, tree, read);
  const files = new Map<string, ListedFile>();
  const missing: SourceProblem[] = [];
  for (const module of modules) {
    for (const file of tree) if (within(file.path, module)) files.set(file.path, file);
    // A directory that is itself a link holds nothing in Git's tree: the link is the entry.
    const link = tree.find(({ path }) => path === module);
    if (link !== undefined) files.set(link.path, link);
  }
  for (const [field, declared] of [
    ["varFiles", stack.varFiles.map((path) => resolveInside(root, path))],
    ["watch", stack.watch.map((path) => resolveInside("", path))],
  ] as const) {
    for (const [index, path] of declared.entries()) {
      const found =
        path === undefined ? [] : tree.filter((file) => file.path === path || within(file.path, path));
      for (const file of found) files.set(file.path, file);
      if (found.length > 0) continue;
      const what = `${field}[${index}] names ${stack[field][index]}, which is not in the repository.`;
      missing.push({
        ...place(path ?? root),
        what,
        remedy: "Add the file, or correct the path in .signalbox.yaml.",
      });
    }
  }
  const sorted = [...files.values()].toSorted((one, other) => compareBytes(one.path, other.path));
  const all = [...problems, ...missing, ...entryProblems(sorted)];
  if (all.length > 0) return { kind: "refused", problems: all };
  const plain = sorted.map(({ path, mode, objectId }) => ({ path, mode, objectId }));
  return { kind: "closure", files: plain, closureDigest: closureDigest(plain), modules };
}
