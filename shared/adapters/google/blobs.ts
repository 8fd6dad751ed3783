// Blobs in a bucket of Cloud Storage, named by their SHA-256. Each is created once: `ifGenerationMatch=0` makes putting safe to repeat.
import { createHash } from "node:crypto";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";
import type { Blobs } from "../../ports/blobs.ts";
import { crc32cText } from "./crc32c.ts";
import type { Rest } from "./rest.ts";
import { createStorageObjects, type ObjectFacts, type StorageObjects } from "./storage-objects.ts";

/** Bytes of one blob in a bucket: saved plans and their canonical form are far smaller. */
export const BLOB_IN_BUCKET_BYTES_MAX = 256 * 1024 * 1024;

const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** Where the blobs are. */
export interface BlobsOptions {
  readonly rest: Rest;
  readonly bucket: string;
  /** Base URL of the JSON API. */
  readonly api?: string;
}

/**
 * What is there, as far as this identity may look: a build of code under review may create objects and read none, since saved plans hold
 * secrets of other stacks.
 */
async function lookIfAllowed(
  objects: Pick<StorageObjects, "look">,
  name: string,
): Promise<ObjectFacts | "forbidden" | undefined> {
  try {
    return await objects.look(name);
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === "PERMISSION_DENIED") return "forbidden";
    throw error;
  }
}

const hexOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Blobs in this bucket. */
export function createBlobs({ rest, bucket, api }: BlobsOptions): Blobs {
  const objects = createStorageObjects({ rest, bucket, ...(api === undefined ? {} : { api }) });

  const isWhole = ({ size, crc32c }: ObjectFacts, bytes: Uint8Array): boolean =>
    size === bytes.byteLength && crc32c === crc32cText(bytes);

  return {
    async put(bytes) {
      if (bytes.byteLength > BLOB_IN_BUCKET_BYTES_MAX) {
        const message = `The blob has ${bytes.byteLength} bytes and ${BLOB_IN_BUCKET_BYTES_MAX} are allowed.`;
        throw invalidArgument("bytes", message, "TOO_LARGE");
      }
      const hex = hexOf(bytes);
      const name = `sha256/${hex}`;
      if (await objects.write(name, bytes, "0")) return `sha256:${hex}`;
      // It was there: of another caller, or of ourselves, whose answer was lost. What is damaged is written over, that one only.
      const there = await lookIfAllowed(objects, name);
      // That something of this name is there is all that is to be known then; who reads it compares the digest.
      if (there === "forbidden" || (there !== undefined && isWhole(there, bytes))) return `sha256:${hex}`;
      if (await objects.write(name, bytes, there?.generation ?? "0")) return `sha256:${hex}`;
      throw new ControlPlaneError(
        "ABORTED",
        `${name} in ${bucket} changed while it was written. Try again.`,
        {
          reason: "BLOB_CHANGED",
          metadata: { bucket, object: name },
        },
      );
    },
    async get(digest) {
      const hex = DIGEST.exec(digest)?.[1];
      if (hex === undefined) {
        const message = `${JSON.stringify(digest.slice(0, 100))} is no blob: write sha256: and 64 hex digits.`;
        throw invalidArgument("digest", message, "INVALID_DIGEST");
      }
      const name = `sha256/${hex}`;
      const bytes = await objects.read(name, BLOB_IN_BUCKET_BYTES_MAX);
      if (bytes === undefined) {
        throw notFound(
          digest,
          `It should lie at gs://${bucket}/${name}: make it again, or restore a version of it.`,
        );
      }
      if (hexOf(bytes) === hex) return bytes;
      const message = `gs://${bucket}/${name} does not hold what its name says. Restore a version of it, or make it again.`;
      throw new ControlPlaneError("INTERNAL", message, {
        reason: "BLOB_CORRUPT",
        metadata: { digest, bucket, object: name },
      });
    },
  };
}
