// Secrets as files that only their owner can read: `name`, and `name.previous` while it rotates.
import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import type { Secrets } from "../../ports/secrets.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";

/** Bytes of one secret. */
const SECRET_BYTES_MAX = 64 * 1024;
/** Secrets whose content is remembered. */
const SECRETS_KEPT_MAX = 100;
/** Age from which on a file's times tell any change of it: kernels stamp with a grain of up to 10 ms, some file systems of 2 s. */
const SETTLED_MS = 3_000;
const ABSENT = "absent";
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

/**
 * What a file looks like from outside: as long as this stays, so does its content. Undefined when that cannot be told, because the
 * file is so young that it could change again within the grain of its times (git's "racy" entries have the same rule).
 */
function fingerprint(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return ABSENT;
    if (Date.now() - Number(found.ctimeMs) < SETTLED_MS) return undefined;
    return [found.ino, found.size, found.mode, found.mtimeNs, found.ctimeNs].join();
  } catch {
    // What is wrong with it is said by whoever opens it next.
    return undefined;
  }
}

/** Reads a file as `readSecret` does, and again only when it looks different: a delivery costs a look, not four calls. */
function createReader(): (path: string) => Promise<string | undefined> {
  const kept = new Map<string, { readonly print: string; readonly text: string }>();
  return async (path) => {
    // At every use: a secret that was taken back must let nobody in for a moment longer.
    const print = fingerprint(path);
    if (print === ABSENT) return undefined;
    const known = kept.get(path);
    if (print !== undefined && known?.print === print) return known.text;
    const text = await readSecret(path);
    if (print !== undefined && text !== undefined && kept.size < SECRETS_KEPT_MAX)
      kept.set(path, { print, text });
    return text;
  };
}

/** Secrets in this folder. Files are looked at on every use, so a rotation needs no restart. */
export function createSecrets(folder: string): Secrets {
  const read = createReader();
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
      const current = await read(path);
      if (current === undefined || current === "") {
        const what = current === undefined ? "is not there" : "is empty";
        throw failedPrecondition(
          "SECRET_MISSING",
          `The secret ${name} ${what}: write it to ${path} with permissions 600.`,
          { name, path },
        );
      }
      const previous = await read(`${path}.previous`);
      return previous === undefined || previous === "" ? { current } : { current, previous };
    },
  };
}
