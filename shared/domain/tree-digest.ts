// The digest of a folder: one line a file, so that a person can make it again with sha256sum and sort.
import { createHash } from "node:crypto";
import { ControlPlaneError } from "./errors.ts";

/** One file of a folder. */
export interface TreeFile {
  /** From the folder, with `/` between its parts. */
  readonly path: string;
  /** Only whether its owner may run it is kept. */
  readonly mode: "100644" | "100755";
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits, lower case. */
  readonly sha256: string;
}

const HEX = /^[0-9a-f]{64}$/;

function refuse(path: string, what: string): never {
  throw new ControlPlaneError(
    "FAILED_PRECONDITION",
    `The file ${JSON.stringify(path.slice(0, 200))} ${what}`,
    {
      reason: "TREE_PATH_REFUSED",
      metadata: { path: path.slice(0, 200) },
    },
  );
}

/**
 * The path in the one form that is digested. Throws FAILED_PRECONDITION `TREE_PATH_REFUSED` for what another machine could read as
 * another path, and for what leads out of the folder.
 */
export function canonicalTreePath(path: string): string {
  if (!path.isWellFormed()) refuse(path, "has a name that is not Unicode: rename it.");
  const normal = path.normalize("NFC");
  if (/\p{Cc}/u.test(normal)) refuse(path, "has a control character in its name: rename it.");
  if (normal.split("/").some((part) => part === "" || part === "." || part === "..")) {
    refuse(path, "is not a plain path inside the folder: leave out empty parts, `.` and `..`.");
  }
  return normal;
}

/**
 * `tree-sha256:<hex>`: SHA-256 over the lines `mode SP size SP sha256 SP path LF`, sorted by the bytes of their paths. Paths are
 * Unicode NFC. Throws FAILED_PRECONDITION `TREE_PATH_REFUSED` for paths that are not plain, or are the same after NFC.
 */
export function treeDigest(files: readonly TreeFile[]): string {
  const lines = new Map<string, { readonly bytes: Buffer; readonly line: string }>();
  for (const { path, mode, size, sha256 } of files) {
    const plain = canonicalTreePath(path);
    if (lines.has(plain))
      refuse(path, "is there twice once its name is written in one Unicode form: rename one.");
    if (!HEX.test(sha256) || !Number.isSafeInteger(size) || size < 0)
      refuse(path, "has no usable size or digest.");
    lines.set(plain, { bytes: Buffer.from(plain), line: `${mode} ${size} ${sha256} ${plain}\n` });
  }
  const hash = createHash("sha256");
  for (const { line } of [...lines.values()].toSorted((a, b) => a.bytes.compare(b.bytes))) hash.update(line);
  return `tree-sha256:${hash.digest("hex")}`;
}
