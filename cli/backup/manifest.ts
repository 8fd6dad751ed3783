// What a backup says about itself: when, of what, by which program, and the digest of every file.
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { parseStrictJson } from "../../shared/domain/strict-json.ts";
import { CommandError, EXIT } from "../exit.ts";

/** Name of the manifest in the backup's folder. */
export const MANIFEST = "manifest.json";
/** The version of the format that this program writes and reads. */
export const BACKUP_VERSION = 1;
/** Files of one backup. */
export const BACKUP_FILES_MAX = 1_000_000;

const BackupFile = Type.Object({
  /** From the backup's folder, with `/`. */
  path: Type.String({ minLength: 1, maxLength: 4_096 }),
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  executable: Type.Optional(Type.Boolean()),
});

/** The manifest. */
export const BackupManifest = Type.Object({
  format: Type.Literal("signalbox-backup"),
  version: Type.Integer({ minimum: 1 }),
  /** Version of the program that wrote it. */
  signalbox: Type.String(),
  /** RFC 3339: the moment of the ledger; everything else is not older. */
  createTime: Type.String(),
  /** The state folder that it is of: names of artifacts may hold this path. */
  source: Type.String(),
  facts: Type.Integer({ minimum: 0 }),
  files: Type.Array(BackupFile, { maxItems: BACKUP_FILES_MAX }),
});

/** What a backup says about itself. */
export type BackupManifest = Static<typeof BackupManifest>;
/** One file of a backup. */
export type BackupFile = Static<typeof BackupFile>;

const refuse = (message: string): CommandError => new CommandError(EXIT.refused, message);

/** Whether the path stays inside the folder that it is joined to. */
const staysInside = (path: string): boolean =>
  !path.startsWith("/") &&
  !path.includes("\\") &&
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** Reads a manifest; refuses one of another kind, of a newer version, or whose paths lead out of the backup. */
export function parseManifest(text: string, folder: string): BackupManifest {
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(text));
  } catch (cause) {
    throw new CommandError(EXIT.refused, `${MANIFEST} in ${folder} is damaged: take another backup.`, cause);
  }
  const { format, version } = (value ?? {}) as Partial<BackupManifest>;
  if (format !== "signalbox-backup")
    throw refuse(`${folder} is no backup of Signalbox: ${MANIFEST} does not say so.`);
  if (typeof version === "number" && version > BACKUP_VERSION) {
    throw refuse(
      `The backup ${folder} has version ${version} and this program reads up to ${BACKUP_VERSION}: restore it with a newer Signalbox.`,
    );
  }
  if (!Value.Check(BackupManifest, value))
    throw refuse(`${MANIFEST} in ${folder} is damaged: take another backup.`);
  const manifest = value;
  const seen = new Set<string>();
  for (const { path } of manifest.files) {
    if (!staysInside(path) || seen.has(path))
      throw refuse(
        `${MANIFEST} in ${folder} names ${JSON.stringify(path.slice(0, 100))}, which no backup holds.`,
      );
    seen.add(path);
  }
  return manifest;
}
