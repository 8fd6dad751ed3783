// The file system of an image, made in a folder as its Dockerfile says, where no container engine is at hand. COPY copies what
// .dockerignore lets through; RUN runs, with the paths of the stage. What a base image brings is given by the test.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { Instruction, Stage } from "./dockerfile.ts";

/** What an image is, besides its files. */
export interface ImageFolder {
  /** Folder that stands for `/`. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
  /** Commands that were run in the stage itself. */
  readonly commands: readonly string[];
}

/** What the folder cannot have from a registry. */
export interface ImageSources {
  /** The build context. */
  readonly context: string;
  /** Base image, as `FROM` names it → path in the image → the file of this machine that stands for it. */
  readonly bases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What to do instead of a command that needs a network or root: a word that it begins with → what is done. */
  readonly instead: Readonly<Record<string, (root: string, folder: string) => void>>;
  readonly ignored: (path: string) => boolean;
}

const COMMAND_MS_MAX = 120_000;

function copy(
  { flags, words }: Instruction,
  to: { root: string; folder: string },
  sources: ImageSources,
  made: ReadonlyMap<string, ImageFolder>,
): void {
  const { from, ...others } = flags;
  if (Object.keys(others).length > 0)
    throw new Error(`COPY has flags that are not understood: ${words.join(" ")}`);
  const source = from === undefined ? sources.context : made.get(from)?.root;
  if (source === undefined) throw new Error(`COPY --from=${from}: there is no such stage before.`);
  const target = words.at(-1) ?? "";
  for (const path of words.slice(0, -1)) {
    if (from === undefined && sources.ignored(posix.normalize(path)))
      throw new Error(`COPY ${path}: .dockerignore leaves it out.`);
    // A file goes into a folder that ends in a slash; a folder's contents become the target's.
    const named = target.endsWith("/") ? posix.join(target, posix.basename(path)) : target;
    const end = join(to.root, posix.resolve(to.folder, named));
    mkdirSync(dirname(end), { recursive: true });
    cpSync(join(source, path), end, { recursive: true });
  }
}

function run(
  { text }: Instruction,
  { root, folder }: { root: string; folder: string },
  sources: ImageSources,
) {
  for (const command of text.split(" && ")) {
    const instead = Object.entries(sources.instead).find(([start]) => command.startsWith(start));
    if (instead !== undefined) instead[1](root, join(root, folder));
    else {
      // Absolute paths are the stage's.
      const here = command.replaceAll(/(?<=^|[\s=])\/(?=\w)/g, `${root}/`);
      const { PATH = "", HOME = "" } = process.env;
      const env = { PATH: `${dirname(process.execPath)}:${PATH}`, HOME };
      const cwd = join(root, folder);
      execFileSync("sh", ["-euc", here], {
        cwd,
        env,
        timeout: COMMAND_MS_MAX,
        stdio: ["ignore", "pipe", "pipe"],
      });
    }
  }
}

function base(
  from: string,
  root: string,
  sources: ImageSources,
  made: ReadonlyMap<string, ImageFolder>,
): void {
  const before = made.get(from);
  if (before !== undefined) return cpSync(before.root, root, { recursive: true });
  const files = sources.bases[from];
  if (files === undefined) throw new Error(`The test does not say what ${from} holds.`);
  for (const [path, file] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(file, join(root, path));
  }
  return undefined;
}

/** Makes every stage below `folder`; answers the images by name. */
export function makeImages(
  stages: readonly Stage[],
  folder: string,
  sources: ImageSources,
): ReadonlyMap<string, ImageFolder> {
  const made = new Map<string, ImageFolder>();
  for (const { name, from, instructions } of stages) {
    const root = join(folder, name);
    mkdirSync(root, { recursive: true });
    base(from, root, sources, made);
    let [at, user] = ["/", "root"];
    let entrypoint: readonly string[] = [];
    const environment: Record<string, string> = {};
    const commands: string[] = [];
    for (const instruction of instructions) {
      const { keyword, words, text } = instruction;
      if (keyword === "COPY") copy(instruction, { root, folder: at }, sources, made);
      if (keyword === "RUN") {
        run(instruction, { root, folder: at }, sources);
        commands.push(text);
      }
      if (keyword === "WORKDIR") {
        at = posix.resolve(at, text);
        mkdirSync(join(root, at), { recursive: true });
      }
      if (keyword === "USER") user = text;
      if (keyword === "ENTRYPOINT") entrypoint = words;
      if (keyword === "ENV")
        for (const word of words) {
          const [key = "", ...value] = word.split("=");
          environment[key] = value.join("=");
        }
    }
    made.set(name, { root, environment, user, entrypoint, commands });
  }
  return made;
}

/** The command line that an image's entry is here, with its paths in the folder. */
export function commandHere({ root, entrypoint }: ImageFolder): readonly string[] {
  return entrypoint.map((word) =>
    existsSync(join(root, word)) && word.startsWith("/") ? join(root, word) : word,
  );
}

/** The variables of an image, with its paths in the folder. */
export function environmentHere({ root, environment }: ImageFolder): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [
      key,
      value.startsWith("/") ? join(root, value) : value,
    ]),
  );
}
