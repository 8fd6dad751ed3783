// Grants as files, one each, that only their owner can read: the page's sessions need no database.
import { mkdir, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { invalidArgument } from "../../domain/errors.ts";
import type { Grant, Grants } from "../../ports/grants.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileErrorCode } from "./file-errors.ts";

const KEY = /^[0-9a-f]{64}$/;

/** What was written, or undefined for a file that is none of ours or half of one. */
function parse(text: string): Grant | undefined {
  try {
    const grant = JSON.parse(text) as Partial<Grant>;
    const known = grant.kind === "code" || grant.kind === "session";
    return known && typeof grant.principal === "string" && Number.isSafeInteger(grant.expiresMs)
      ? (grant as Grant)
      : undefined;
  } catch {
    // Damaged: it allows nothing.
    return undefined;
  }
}

async function orMissing<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await work;
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Grants in this folder, which is made when it is first needed. */
export function createGrants(directory: string): Grants {
  const pathOf = (key: string): string => {
    if (KEY.test(key)) return join(directory, key);
    throw invalidArgument("key", "A grant is kept under a SHA-256 in hex.");
  };
  const read = async (path: string): Promise<Grant | undefined> =>
    parse((await orMissing(readFile(path, "utf8"))) ?? "");
  return {
    async put(key, grant) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await replaceDurably(pathOf(key), JSON.stringify(grant));
    },
    get: (key) => read(pathOf(key)),
    async take(key) {
      const path = pathOf(key);
      // Of all who rename it, one succeeds.
      const mine = `${path}.taken-${process.pid}-${performance.now()}`;
      const moved = await orMissing(rename(path, mine).then(() => true));
      if (moved === undefined) return undefined;
      const grant = await read(mine);
      await unlink(mine);
      return grant;
    },
    async list() {
      const names = ((await orMissing(readdir(directory))) ?? []).filter((name) => KEY.test(name));
      const found = await Promise.all(names.map(async (key) => ({ key, grant: await read(pathOf(key)) })));
      return found.flatMap(({ key, grant }) => (grant === undefined ? [] : [{ key, grant }]));
    },
  };
}
