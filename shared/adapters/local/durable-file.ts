// Whole files, there or not there: a crash leaves the old content or the new, never half of it.
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

let drafts = 0;

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces or creates a file as a whole: draft beside it, fsync, rename, fsync of the folder. */
export async function replaceDurably(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  drafts += 1;
  const draft = `${path}.${process.pid}.${drafts}.draft`;
  const file = await open(draft, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}
