// Artifacts as objects of Cloud Storage below a few roots, named by `gs:` URIs. What is small is read here; the digest of what is not
// comes from somebody who may take the time.
import { artifactOutside, leadsElsewhere, requirePlainUri } from "../../domain/artifact.ts";
import { failedPrecondition } from "../../domain/errors.ts";
import type { Artifacts } from "../../ports/artifacts.ts";
import { createInOrder } from "../../runtime/in-order.ts";
import { contentDigest } from "./artifact-content.ts";
import { createArtifactCopies } from "./artifact-copies.ts";
import { type ArtifactListing, listArtifact } from "./artifact-listing.ts";
import type { Rest } from "./rest.ts";
import { createStorageObjects } from "./storage-objects.ts";

/** Bytes of an artifact that a handler reads itself. */
export const ARTIFACT_BYTES_HERE_MAX = 32 * 1024 * 1024;
/** Files of an artifact that a handler reads itself: each is a request. */
export const ARTIFACT_FILES_HERE_MAX = 64;

/** What the adapter is made of. */
export interface CloudArtifactsOptions {
  readonly rest: Rest;
  /** `gs://BUCKET` or `gs://BUCKET/FOLDER`. */
  readonly roots: readonly string[];
  /** The digest of what is too large for a handler. Throws UNAVAILABLE `DIGEST_NOT_KNOWN_YET` while it is computed. */
  readonly digestOfLarge: (listing: ArtifactListing) => Promise<string>;
  /** A folder of this process for copies of small artifacts. */
  readonly copies: string;
  /** Base URL of the JSON API. */
  readonly api?: string;
}

/** Bucket and name of a URI. A slash at the end says that it is a folder, and changes nothing. */
function locate(uri: string, roots: readonly string[]): { readonly bucket: string; readonly name: string } {
  const { authority, path } = requirePlainUri(uri, "gs", "gs://models/ranker/7");
  if (leadsElsewhere(path)) throw artifactOutside(uri, "has a part that leads elsewhere", roots);
  const name = path.replace(/^\//, "").replace(/\/$/, "");
  if (`/${name}/`.includes("//") && name !== "") throw artifactOutside(uri, "has an empty part", roots);
  const place = name === "" ? `gs://${authority}` : `gs://${authority}/${name}`;
  const isInside = roots.some((root) => `${place}/`.startsWith(root.endsWith("/") ? root : `${root}/`));
  if (!isInside) throw artifactOutside(uri, "lies outside the places of artifacts", roots);
  return { bucket: authority, name };
}

const isLarge = ({ size, files }: ArtifactListing): boolean =>
  size > ARTIFACT_BYTES_HERE_MAX || files.length > ARTIFACT_FILES_HERE_MAX;

/** Artifacts below these roots. */
export function createCloudArtifacts(options: CloudArtifactsOptions): Artifacts {
  const { rest, roots, digestOfLarge, copies, api } = options;
  const copyOf = createArtifactCopies(copies);
  const inOrder = createInOrder();
  // One artifact after the other: its pieces are held in memory, of which an instance has little.
  const inTurn = <Answer>(work: () => Promise<Answer>): Promise<Answer> => inOrder("reading", work);
  const find = async (uri: string) => {
    const { bucket, name } = locate(uri, roots);
    const objects = createStorageObjects({ rest, bucket, ...(api === undefined ? {} : { api }) });
    return { readPiece: objects.readPiece, listing: await listArtifact(objects, name, uri) };
  };
  return {
    async digest(uri) {
      const { readPiece, listing } = await find(uri);
      if (isLarge(listing)) return digestOfLarge(listing);
      return inTurn(() => contentDigest(readPiece, listing));
    },
    async path(uri) {
      const { readPiece, listing } = await find(uri);
      if (!isLarge(listing)) return inTurn(() => copyOf(readPiece, listing));
      throw failedPrecondition(
        "ARTIFACT_TOO_LARGE_HERE",
        `${uri} has ${listing.size} bytes in ${listing.files.length} files, which is more than is copied to a service: read it where it is, by its URI.`,
        { uri },
      );
    },
  };
}
