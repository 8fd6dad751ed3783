// Copies of small artifacts in a folder of this process, for whoever needs a path: one for each content, and never many.
import { mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ArtifactListing, listingKey } from "./artifact-listing.ts";
import { type ReadPiece, readArtifactFile } from "./artifact-content.ts";

/** Copies that are kept: on Cloud Run a folder is memory. */
export const ARTIFACT_COPIES_MAX = 8;

async function copy(readPiece: ReadPiece, { files }: ArtifactListing, target: string): Promise<string> {
  await rm(target, { recursive: true, force: true });
  try {
    for (const file of files) {
      const path = file.path === "" ? target : join(target, file.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const copied = await open(path, "wx", file.isExecutable ? 0o700 : 0o600);
      try {
        await readArtifactFile(readPiece, file, (piece) => copied.writeFile(piece));
      } finally {
        await copied.close();
      }
    }
    return target;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
}

/** Makes copies below this folder; the oldest goes when there are too many. Answers the path of the file or folder. */
export function createArtifactCopies(folder: string) {
  const copies = new Map<string, Promise<string>>();
  return async (readPiece: ReadPiece, listing: ArtifactListing): Promise<string> => {
    const key = listingKey(listing);
    const known = copies.get(key);
    if (known !== undefined) return known;
    const copying = copy(readPiece, listing, join(folder, key));
    copies.set(key, copying);
    // A copy that failed is made again.
    copying.catch(() => copies.delete(key));
    const [oldest] = copies.size > ARTIFACT_COPIES_MAX ? [...copies.keys()] : [];
    if (oldest !== undefined) {
      copies.delete(oldest);
      await rm(join(folder, oldest), { recursive: true, force: true });
    }
    return copying;
  };
}
