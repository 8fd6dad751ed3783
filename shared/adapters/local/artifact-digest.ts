// Digests of what lies on the disk: a file's bytes, or a folder's listing. Symlinks and sockets are refused, never followed.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { ARTIFACT_FILES_MAX, artifactNotRegular, artifactTooLarge } from "../../domain/artifact.ts";
import { type TreeFile, treeDigest } from "../../domain/tree-digest.ts";
import { fileErrorCode } from "./file-errors.ts";

/** Folders inside each other. */
export const TREE_DEPTH_MAX = 64;

const EXECUTABLE_BY_OWNER = 0o100;

/** Size, mode and SHA-256 of one plain file, read in pieces. */
async function digestFile(path: string): Promise<Omit<TreeFile, "path">> {
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    const code = fileErrorCode(error);
    if (code === "ELOOP") throw artifactNotRegular(path, "a symbolic link");
    if (code === "ENXIO") throw artifactNotRegular(path, "a socket or a device");
    throw error;
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw artifactNotRegular(path, "no plain file");
    const hash = createHash("sha256");
    let size = 0;
    for await (const piece of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      hash.update(piece);
      size += piece.byteLength;
    }
    const mode = (status.mode & EXECUTABLE_BY_OWNER) === 0 ? "100644" : "100755";
    return { mode, size, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
}

async function collect(root: string, folder: string, depth: number, files: TreeFile[]): Promise<void> {
  const here = join(root, folder);
  if (depth > TREE_DEPTH_MAX) throw artifactTooLarge(here, `lies deeper than ${TREE_DEPTH_MAX} folders`);
  for await (const entry of await opendir(here)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) await collect(root, path, depth + 1, files);
    else if (!entry.isFile())
      throw artifactNotRegular(
        join(root, path),
        entry.isSymbolicLink() ? "a symbolic link" : "a socket, pipe or device",
      );
    else {
      if (files.length >= ARTIFACT_FILES_MAX)
        throw artifactTooLarge(root, `holds more than ${ARTIFACT_FILES_MAX} files`);
      files.push({ path, ...(await digestFile(join(root, path))) });
    }
  }
}

/** `sha256:` of a file. */
export async function fileContentDigest(path: string): Promise<string> {
  return `sha256:${(await digestFile(path)).sha256}`;
}

/** `tree-sha256:` of a folder; empty folders in it do not count. */
export async function folderContentDigest(path: string): Promise<string> {
  const files: TreeFile[] = [];
  await collect(path, "", 0, files);
  return treeDigest(files);
}
