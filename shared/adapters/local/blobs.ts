// Blobs as files named by their SHA-256: `<folder>/sha256/<hex>`, readable by their owner only (plans hold secrets).
import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";
import type { Blobs } from "../../ports/blobs.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";

/** Bytes of one blob: saved plans and their canonical form are far smaller. */
export const BLOB_BYTES_MAX = 256 * 1024 * 1024;

const DIGEST = /^sha256:([0-9a-f]{64})$/;

const hexOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Whether a file of this size is there: one that a crash cut short is written again. */
async function exists(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function read(path: string, digest: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (fileErrorCode(error) !== "ENOENT") throw fileUnavailable(path, error);
    throw notFound(digest, `It should lie at ${path}: make it again, or restore the folder from a copy.`);
  }
}

/** Blobs in this folder, which is made when the first is put. */
export function createBlobs(folder: string): Blobs {
  const root = join(folder, "sha256");
  return {
    async put(bytes) {
      if (bytes.byteLength > BLOB_BYTES_MAX) {
        const message = `The blob has ${bytes.byteLength} bytes and ${BLOB_BYTES_MAX} are allowed.`;
        throw invalidArgument("bytes", message, "TOO_LARGE");
      }
      const hex = hexOf(bytes);
      const path = join(root, hex);
      try {
        await mkdir(root, { recursive: true, mode: 0o700 });
        if (!(await exists(path, bytes.byteLength))) await replaceDurably(path, bytes);
      } catch (error) {
        throw fileUnavailable(path, error);
      }
      return `sha256:${hex}`;
    },
    async get(digest) {
      const hex = DIGEST.exec(digest)?.[1];
      if (hex === undefined) {
        const message = `${JSON.stringify(digest.slice(0, 100))} is no blob: write sha256: and 64 hex digits.`;
        throw invalidArgument("digest", message, "INVALID_DIGEST");
      }
      const path = join(root, hex);
      const bytes = await read(path, digest);
      if (hexOf(bytes) === hex) return bytes;
      const message = `${path} does not hold what its name says. Restore it from a copy, or make it again.`;
      throw new ControlPlaneError("INTERNAL", message, {
        reason: "BLOB_CORRUPT",
        metadata: { digest, path },
      });
    },
  };
}
