// What lies at a name of a bucket: one object, or the objects below it as the files of a folder. Nothing is read yet.
import { createHash } from "node:crypto";
import { ARTIFACT_FILES_MAX, artifactNotRegular, artifactTooLarge } from "../../domain/artifact.ts";
import { notFound } from "../../domain/errors.ts";
import { canonicalTreePath } from "../../domain/tree-digest.ts";
import {
  OBJECTS_PER_PAGE_MAX,
  type ObjectContent,
  type ObjectFacts,
  type StorageObjects,
} from "./storage-objects.ts";

/** Where gcloud and Storage Transfer keep the mode of a file that they copy with `--preserve-posix`: an octal text. */
export const MODE_METADATA = "goog-reserved-posix-mode";
/** Pages of the list of one artifact. */
export const ARTIFACT_PAGES_MAX = Math.ceil(ARTIFACT_FILES_MAX / OBJECTS_PER_PAGE_MAX);

const EXECUTABLE_BY_OWNER = 0o100;

/** One object of an artifact. */
export interface ArtifactFile {
  /** From the folder; empty for an artifact that is one file. */
  readonly path: string;
  /** Whether its owner may run it. */
  readonly isExecutable: boolean;
  readonly object: ObjectContent;
}

/** An artifact as it is now. */
export interface ArtifactListing {
  readonly uri: string;
  readonly isFolder: boolean;
  readonly files: readonly ArtifactFile[];
  /** Bytes of all files. */
  readonly size: number;
}

function isExecutable({ metadata }: ObjectFacts): boolean {
  const mode = metadata[MODE_METADATA];
  return (
    typeof mode === "string" &&
    /^[0-7]{3,6}$/.test(mode) &&
    (Number.parseInt(mode, 8) & EXECUTABLE_BY_OWNER) !== 0
  );
}

/** The object as a file; refuses what comes unpacked to some readers and packed to others. */
function fileOf(path: string, object: ObjectFacts): ArtifactFile {
  const { name, generation, size, crc32c, contentEncoding: encoding } = object;
  if (encoding !== "")
    throw artifactNotRegular(name, `stored with the content encoding ${encoding.slice(0, 40)}`);
  return { path, isExecutable: isExecutable(object), object: { name, generation, size, crc32c } };
}

async function below(objects: StorageObjects, prefix: string, uri: string): Promise<readonly ArtifactFile[]> {
  const files: ArtifactFile[] = [];
  let page: string | undefined;
  for (let pages = 0; pages < ARTIFACT_PAGES_MAX; pages++) {
    const answer = await objects.list(prefix, page);
    for (const object of answer.objects) {
      const path = object.name.slice(prefix.length);
      // What consoles and file systems put there so that an empty folder is seen.
      const isMark = object.size === 0 && (path === "" || path.endsWith("/"));
      if (!isMark) files.push(fileOf(path, object));
    }
    page = answer.next;
    if (page === undefined) return files;
  }
  throw artifactTooLarge(uri, `holds more than ${ARTIFACT_FILES_MAX} files`);
}

/** Refuses what whoever mounts or copies the bucket would see differently from whoever reads its objects. */
function requireFolder(files: readonly ArtifactFile[]): void {
  const paths = new Set(files.map(({ path }) => path));
  for (const { path, object } of files) {
    canonicalTreePath(path);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      if (paths.has(path.slice(0, end)))
        throw artifactNotRegular(object.name, `below ${path.slice(0, end)}, which is an object itself`);
  }
}

/** Lists the artifact of this name; NOT_FOUND when nothing is there. */
export async function listArtifact(
  objects: StorageObjects,
  name: string,
  uri: string,
): Promise<ArtifactListing> {
  const [object, inside] = await Promise.all([
    name === "" ? undefined : objects.look(name),
    below(objects, name === "" ? "" : `${name}/`, uri),
  ]);
  if (object === undefined && inside.length === 0)
    throw notFound(uri, "Copy the artifact there, or correct the URI.");
  if (object !== undefined && inside.length > 0)
    throw artifactNotRegular(uri, "an object and a folder at the same time");
  requireFolder(inside);
  const files = object === undefined ? inside : [fileOf("", object)];
  const size = files.reduce((sum, file) => sum + file.object.size, 0);
  return { uri, isFolder: object === undefined, files, size };
}

/** A name for exactly this content at this place: another write of any of its objects gives another. */
export function listingKey({ uri, files }: ArtifactListing): string {
  const content = files.map((file) => [file.path, file.object.generation, file.isExecutable]);
  return createHash("sha256")
    .update(JSON.stringify([uri, content]))
    .digest("hex");
}
