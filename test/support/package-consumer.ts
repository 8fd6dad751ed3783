// Another folder that has this package installed from its tarball, with the dependencies that our lockfile pins.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const NPM_MS_MAX = 180_000;
const NPM_OUTPUT_BYTES_MAX = 16_000_000;

/** What `npm pack` says of its tarball. */
export interface Packed {
  readonly filename: string;
  readonly version: string;
  readonly integrity: string;
  /** Bytes of the tarball, and of what is in it. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface LockEntry {
  readonly dev?: boolean;
}

const npm = (words: readonly string[], cwd: string) =>
  execute("npm", [...words], { cwd, timeout: NPM_MS_MAX, maxBuffer: NPM_OUTPUT_BYTES_MAX });

/** Packs the package at `root`, as its own scripts build it, into `folder`. */
export async function pack(root: string, folder: string): Promise<Packed> {
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], root);
  // What its scripts say comes before the document.
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("\n[") + 1)) as readonly Packed[];
  if (packed === undefined) throw new Error("npm pack made no tarball.");
  return packed;
}

function lockOf(root: string, { filename, version, integrity }: Packed): object {
  const packages = (
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Readonly<Record<string, LockEntry>>;
    }
  ).packages;
  const { devDependencies: _, ...own } = packages[""] as Readonly<Record<string, unknown>>;
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true);
  const dependencies = { signalbox: `file:${filename}` };
  return {
    name: "consumer",
    lockfileVersion: 3,
    packages: {
      "": { name: "consumer", dependencies },
      "node_modules/signalbox": { ...own, version, resolved: `file:${filename}`, integrity },
      ...Object.fromEntries(needed),
    },
  };
}

/**
 * Installs the tarball in `folder`, where it lies: from npm's cache as far as that goes, then from the registry. Where neither has
 * all, the tarball is unpacked beside a copy of our own packages. Answers which of these it was.
 */
export async function install(root: string, folder: string, packed: Packed): Promise<string> {
  const dependencies = { signalbox: `file:${packed.filename}` };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies }));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lockOf(root, packed)));
  const words = ["ci", "--no-progress", "--ignore-scripts", "--loglevel=error"];
  try {
    await npm([...words, "--offline"], folder);
    return "npm's cache";
  } catch {
    // The next way is tried; the last one says what it lacks.
  }
  try {
    await npm(words, folder);
    return "the registry";
  } catch {
    cpSync(join(root, "node_modules"), join(folder, "node_modules"), { recursive: true });
    const home = join(folder, "node_modules", "signalbox");
    mkdirSync(home, { recursive: true });
    await execute("tar", ["-xzf", join(folder, packed.filename), "-C", home, "--strip-components=1"]);
    return "a copy of our own packages";
  }
}
