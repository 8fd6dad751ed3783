// Takes a backup of an installation that may be running. What records is copied before what it records of: so the copy is what a
// crash could have left, with a record that lacks the last moment of the world, and every start knows how to go on from that.
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { constants, existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, EXIT } from "../exit.ts";
import { copyFolder, copyOne, digestOf, filesBelow } from "./copy-tree.ts";
import { checkLaw, type LedgerFigures } from "./law.ts";
import { BACKUP_VERSION, type BackupFile, type BackupManifest, MANIFEST } from "./manifest.ts";
import { packFolder } from "./pack.ts";

/** Tries to read what is being written. */
const TRIES_MAX = 50;
/** Between two tries to copy a file that changed meanwhile. */
const TRY_AGAIN_MS = 40;
/** How long the copy of the ledger waits for a writer. */
const BUSY_TIMEOUT_MS = 10_000;

/** What to back up, and where to. */
export interface BackupOptions {
  readonly state: string;
  readonly to: string;
  /** Version of this program. */
  readonly signalbox: string;
  readonly now: Date;
}

/** What was taken. */
export interface BackupTaken extends LedgerFigures {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** The ledger as it was at one moment, with nothing of it half written; writers go on meanwhile. */
function copyLedger(state: string, to: string): void {
  const path = join(state, "ledger.db");
  if (!existsSync(path))
    throw new CommandError(
      EXIT.notFound,
      `There is no ledger.db in ${state}: name the state folder with --state.`,
    );
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare("VACUUM INTO ?").run(join(to, "ledger.db"));
  } finally {
    db.close();
  }
}

/** Content of all traffic documents, to see whether one has changed. */
async function documentsOf(state: string): Promise<string> {
  const files = await filesBelow(state, "traffic");
  return JSON.stringify(
    await Promise.all(files.map((path) => readFile(join(state, path), "utf8").catch(() => path))),
  );
}

/**
 * Traffic documents and the records of the model servers that they name. Copied again when a document has changed meanwhile: a
 * server is put down only after its document let go of it, so unchanged documents name servers that are on record.
 */
async function copyServing(from: string, to: string): Promise<void> {
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    await rm(join(to, "traffic"), { recursive: true, force: true });
    await rm(join(to, "backends"), { recursive: true, force: true });
    const before = await documentsOf(from);
    await copyFolder({ from, to, folder: "traffic" });
    await copyFolder({ from, to, folder: "backends", wanted: (path) => /\.(json|log)$/.test(path) });
    if ((await documentsOf(from)) === before) return;
    await sleep(TRY_AGAIN_MS);
  }
  throw new CommandError(
    EXIT.refused,
    "Traffic moves faster than it can be copied: back up again when less happens.",
  );
}

/** States of Terraform, which writes them in place: copied again until they are whole. */
async function copyStates(from: string, to: string): Promise<void> {
  for (const path of await filesBelow(from, "terraform")) {
    if (!path.endsWith(".tfstate")) continue;
    for (let attempt = 1; ; attempt++) {
      if (!(await copyOne(join(from, path), join(to, path)))) break;
      const [copy, now] = await Promise.all([
        readFile(join(to, path), "utf8"),
        readFile(join(from, path), "utf8"),
      ]);
      if (copy === now && isJson(copy)) break;
      if (attempt === TRIES_MAX)
        throw new CommandError(
          EXIT.refused,
          `${join(from, path)} is being written all the time: back up again later.`,
        );
      await sleep(TRY_AGAIN_MS);
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Half of it is there: its writer is not done.
    return false;
  }
}

/** References before the objects that they name: Git writes objects first. */
const refsFirst = (path: string): number => {
  if (/\/refs\/|\/HEAD$/.test(path)) return 0;
  return path.endsWith("/packed-refs") ? 1 : 2;
};

async function copyAll(from: string, to: string): Promise<void> {
  copyLedger(from, to);
  await copyServing(from, to);
  // Results of builds before the states that they are about: a result never speaks of a state that is not there yet.
  const record = (path: string): boolean => !path.split("/").slice(2).includes("work");
  await copyFolder({ from, to, folder: "builds", wanted: record });
  await copyStates(from, to);
  await copyFolder({ from, to, folder: "blobs" });
  await copyFolder({ from, to, folder: "repos", rank: refsFirst });
  await copyFolder({ from, to, folder: "artifacts" });
  await copyFolder({ from, to, folder: "secrets" });
  const wanted = (name: string): boolean => /^(?:token.*|principals\.json|notifications\.json)$/s.test(name);
  for (const name of (await topFiles(from)).filter(wanted)) await copyOne(join(from, name), join(to, name));
}

async function topFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function describe(folder: string): Promise<readonly BackupFile[]> {
  const files: BackupFile[] = [];
  for (const path of await filesBelow(folder, ".")) {
    const name = path.slice("./".length);
    const file = join(folder, name);
    const { mode } = await stat(file);
    await chmod(file, (mode & constants.S_IXUSR) === 0 ? 0o600 : 0o700);
    files.push({ path: name, ...(await digestOf(file)) });
  }
  return files;
}

/** Takes a backup: a folder, or one file when its name ends in `.tar`. It is there whole or not at all. */
export async function takeBackup({ state, to, signalbox, now }: BackupOptions): Promise<BackupTaken> {
  const source = resolve(state);
  const target = resolve(to);
  if (!relative(source, target).startsWith(".."))
    throw new CommandError(EXIT.usage, `${to} lies inside of the state folder: name a place elsewhere.`);
  if (existsSync(target)) throw new CommandError(EXIT.refused, `${to} exists: name a new file or folder.`);
  const partial = `${target}.${process.pid}.partial`;
  await mkdir(dirname(target), { recursive: true });
  await mkdir(partial, { mode: 0o700 });
  try {
    await copyAll(source, partial);
    const figures = await checkLaw(partial);
    const files = await describe(partial);
    const manifest: BackupManifest = {
      format: "signalbox-backup",
      version: BACKUP_VERSION,
      signalbox,
      createTime: now.toISOString(),
      source,
      facts: figures.facts,
      files: [...files],
    };
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, undefined, 1)}\n`, { mode: 0o600 });
    await digestOf(join(partial, MANIFEST));
    await syncFolder(partial);
    if (target.endsWith(".tar")) await packFolder(partial, target);
    else await rename(partial, target);
    await syncFolder(dirname(target));
    return {
      ...figures,
      path: target,
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
