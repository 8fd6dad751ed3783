// The bytes of an artifact, read in pieces of exactly the content that was listed, and what they come to.
import { createHash } from "node:crypto";
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import { type TreeFile, treeDigest } from "../../domain/tree-digest.ts";
import type { ArtifactFile, ArtifactListing } from "./artifact-listing.ts";
import { createCrc32c } from "./crc32c.ts";
import type { StorageObjects } from "./storage-objects.ts";

/** Bytes of an object that are read at once, and held. */
export const ARTIFACT_PIECE_BYTES_MAX = 16 * 1024 * 1024;

/** What reads pieces. */
export type ReadPiece = StorageObjects["readPiece"];

/**
 * Reads one file from beginning to end. Errors: NOT_FOUND when this content is gone; UNAVAILABLE `STORAGE_CHECKSUM` when other bytes
 * came than Cloud Storage keeps.
 */
export async function readArtifactFile(
  readPiece: ReadPiece,
  { object }: ArtifactFile,
  take: (piece: Buffer) => void | Promise<void>,
): Promise<void> {
  const checksum = createCrc32c();
  for (let from = 0; from < object.size; from += ARTIFACT_PIECE_BYTES_MAX) {
    const piece = await readPiece(object, from, Math.min(from + ARTIFACT_PIECE_BYTES_MAX, object.size));
    if (piece === undefined)
      throw notFound(`${object.name}#${object.generation}`, "It was replaced while it was read: look again.");
    checksum.update(piece);
    await take(piece);
  }
  if (checksum.text() === object.crc32c) return;
  throw new ControlPlaneError(
    "UNAVAILABLE",
    `${object.name} did not arrive as it is stored. Read it again.`,
    {
      reason: "STORAGE_CHECKSUM",
      metadata: { object: object.name, generation: object.generation },
    },
  );
}

async function digestFile(readPiece: ReadPiece, file: ArtifactFile): Promise<TreeFile> {
  const hash = createHash("sha256");
  await readArtifactFile(readPiece, file, (piece) => void hash.update(piece));
  const mode = file.isExecutable ? "100755" : "100644";
  return { path: file.path, mode, size: file.object.size, sha256: hash.digest("hex") };
}

/** `sha256:…` of a file, `tree-sha256:…` of a folder, as of the same content on a disk. */
export async function contentDigest(
  readPiece: ReadPiece,
  { files, isFolder }: Pick<ArtifactListing, "files" | "isFolder">,
): Promise<string> {
  const read: TreeFile[] = [];
  for (const file of files) read.push(await digestFile(readPiece, file));
  return isFolder ? treeDigest(read) : `sha256:${read[0]?.sha256 ?? ""}`;
}
