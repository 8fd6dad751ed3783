// Secrets as files that only their owner can read: `name`, and `name.previous` while it rotates.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import type { Secrets } from "../../ports/secrets.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";

/** Bytes of one secret. */
const SECRET_BYTES_MAX = 64 * 1024;
/** Permissions of anybody but the owner. */
const OTHERS = 0o077;
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** The secret in a file without the white space around it; undefined when the file is absent. */
async function readSecret(path: string): Promise<string | undefined> {
  const file = await open(path).catch((error: unknown) => {
    if (fileErrorCode(error) === "ENOENT") return undefined;
    throw fileUnavailable(path, error);
  });
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat();
    if ((mode & OTHERS) !== 0) {
      throw failedPrecondition(
        "SECRET_EXPOSED",
        `${path} can be read by others than its owner: run chmod 600 on it, and change the secret.`,
        { path },
      );
    }
    if (size > SECRET_BYTES_MAX) {
      throw failedPrecondition(
        "SECRET_TOO_LARGE",
        `${path} has ${size} bytes and ${SECRET_BYTES_MAX} are allowed: is it the right file?`,
        { path },
      );
    }
    return (await file.readFile("utf8")).trim();
  } finally {
    await file.close();
  }
}

/** Secrets in this folder. Files are read at every use, so a rotation needs no restart. */
export function createSecrets(folder: string): Secrets {
  return {
    async get(name) {
      if (!NAME.test(name)) {
        throw invalidArgument(
          "name",
          `${JSON.stringify(name.slice(0, 80))} is no name of a secret: use lower-case letters, digits and dashes.`,
          "INVALID_NAME",
        );
      }
      const path = join(folder, name);
      const current = await readSecret(path);
      if (current === undefined || current === "") {
        const what = current === undefined ? "is not there" : "is empty";
        throw failedPrecondition(
          "SECRET_MISSING",
          `The secret ${name} ${what}: write it to ${path} with permissions 600.`,
          { name, path },
        );
      }
      const previous = await readSecret(`${path}.previous`);
      return previous === undefined || previous === "" ? { current } : { current, previous };
    },
  };
}
