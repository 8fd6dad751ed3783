// What the file system says, in our words: path and remedy.
import { ControlPlaneError } from "../../domain/errors.ts";

/** Codes of Node's file system errors that a person can do something about. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "Let the user of this process read and write it.",
  EPERM: "Let the user of this process read and write it.",
  EROFS: "Choose a folder that can be written to.",
  ENOSPC: "Free some space on the disk.",
  EDQUOT: "Free some space on the disk.",
  EMFILE: "Raise the limit of open files (ulimit -n).",
  ENFILE: "Raise the limit of open files of the machine.",
};

/** Node's code of a file system error (`ENOENT`), or undefined for any other error. */
export function fileErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** UNAVAILABLE with path and remedy for a file system error; anything else as it is. */
export function fileUnavailable(path: string, error: unknown): unknown {
  const code = fileErrorCode(error);
  if (code === undefined || error instanceof ControlPlaneError) return error;
  const remedy = REMEDIES[code] ?? "Look at the disk and try again.";
  return new ControlPlaneError("UNAVAILABLE", `${path} cannot be used (${code}). ${remedy}`, {
    reason: "FILE_UNAVAILABLE",
    metadata: { path, code },
    cause: error,
  });
}
