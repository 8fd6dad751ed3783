// Restores a backup into an empty state folder, after every byte of it has been looked at.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { readStateHolder } from "../../shared/adapters/local/state-lock.ts";
import { CommandError, EXIT } from "../exit.ts";
import { copyOne, digestOf, filesBelow } from "./copy-tree.ts";
import { checkLaw, type LedgerFigures } from "./law.ts";
import { type BackupManifest, MANIFEST, parseManifest } from "./manifest.ts";
import { unpackFile } from "./pack.ts";

/** What was restored. */
export interface Restored extends LedgerFigures {
  readonly state: string;
  readonly manifest: BackupManifest;
  /** Builds that were on their way: they count as interrupted. */
  readonly interrupted: readonly string[];
}

const refuse = (message: string): CommandError => new CommandError(EXIT.refused, message);

/** Refuses a folder that somebody uses or that has anything in it. */
async function requireFree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const holder = await readStateHolder(folder);
  if (holder !== undefined)
    throw refuse(`The state folder ${folder} is held by process ${holder.pid}: restore into another one.`);
  if ((await readdir(folder)).length > 0)
    throw refuse(`The folder ${folder} is not empty: move it away, or name another one with --state.`);
}

/** Refuses a backup of which any file is missing, other than it was, or not of it. */
async function verify(folder: string): Promise<BackupManifest> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch((cause: unknown) => {
    throw new CommandError(EXIT.notFound, `${folder} is no backup: there is no ${MANIFEST} in it.`, cause);
  });
  const manifest = parseManifest(text, folder);
  const there = new Set((await filesBelow(folder, ".")).map((path) => path.slice("./".length)));
  there.delete(MANIFEST);
  for (const { path, bytes, sha256 } of manifest.files) {
    if (!there.delete(path)) throw refuse(`The backup ${folder} is damaged: ${path} is missing.`);
    const found = await digestOf(join(folder, path));
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw refuse(`The backup ${folder} is damaged: ${path} is not what was backed up.`);
  }
  const [extra] = there;
  if (extra !== undefined)
    throw refuse(`The backup ${folder} is not as it was taken: ${extra} has been added.`);
  return manifest;
}

const readJson = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });

/** A process that is none of this machine: what the backup knew as running is of the installation that it was taken from. */
const NOBODY = { pid: 0, started: "before the restore" };

/** Nothing that was restored may adopt, watch or end processes of the installation that the backup was taken from. */
async function forgetProcesses(folder: string): Promise<readonly string[]> {
  for (const path of await filesBelow(folder, "backends")) {
    if (!path.endsWith(".json")) continue;
    await writeJson(join(folder, path), { ...(await readJson(join(folder, path))), launch: null });
  }
  const interrupted: string[] = [];
  const builds = await readdir(join(folder, "builds")).catch(() => []);
  for (const build of builds.toSorted()) {
    const file = (name: string): string => join(folder, "builds", build, name);
    if (existsSync(file("result.json")) || !existsSync(file("fence.json"))) continue;
    await writeJson(file("fence.json"), { ...(await readJson(file("fence.json"))), process: NOBODY });
    await rm(file("terraform.json"), { force: true });
    interrupted.push(build);
  }
  return interrupted;
}

/** The backup as a folder, and how to let go of it. */
async function opened(backup: string, beside: string) {
  const found = await stat(backup).catch((cause: unknown) => {
    throw new CommandError(EXIT.notFound, `There is no backup ${backup}.`, cause);
  });
  if (found.isDirectory()) return { folder: backup, close: () => Promise.resolve() };
  const folder = `${beside}.${process.pid}.unpacked`;
  await mkdir(folder, { mode: 0o700 });
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  await unpackFile(backup, folder).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { folder, close };
}

/** Restores a backup; the state folder is there whole or as it was. */
export async function restoreBackup(options: {
  readonly from: string;
  readonly state: string;
}): Promise<Restored> {
  const target = resolve(options.state);
  await requireFree(target);
  await mkdir(dirname(target), { recursive: true });
  const backup = await opened(resolve(options.from), target);
  const partial = `${target}.${process.pid}.partial`;
  try {
    const manifest = await verify(backup.folder);
    await mkdir(partial, { mode: 0o700 });
    for (const { path } of manifest.files) {
      if (!(await copyOne(join(backup.folder, path), join(partial, path))))
        throw refuse(`${path} of the backup has vanished while it was read.`);
    }
    const interrupted = await forgetProcesses(partial);
    const figures = await checkLaw(partial);
    for (const path of await filesBelow(partial, ".")) await digestOf(join(partial, path));
    await requireFree(target);
    if (existsSync(target)) await rmdir(target);
    await rename(partial, target);
    return { ...figures, state: target, manifest, interrupted };
  } finally {
    await rm(partial, { recursive: true, force: true });
    await backup.close();
  }
}
