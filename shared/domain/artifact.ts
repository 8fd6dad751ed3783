// What every store of artifacts says and refuses alike: URIs that lead where they seem to, and content of plain files only.
import { ControlPlaneError, invalidArgument } from "./errors.ts";

/** Files of one artifact. */
export const ARTIFACT_FILES_MAX = 100_000;

/** A URI, taken apart. */
export interface PlainUri {
  /** Between `//` and the next `/`. */
  readonly authority: string;
  /** From that `/` on, decoded; empty when nothing follows. */
  readonly path: string;
}

/**
 * Takes apart a URI of this scheme whose path is plain. Errors: INVALID_ARGUMENT `INVALID_URI` for anything else: another scheme, a
 * query, a fragment, and what would be read in two ways once it is decoded. URLs forget `..` when they are parsed, so the text is looked at.
 */
export function requirePlainUri(uri: string, scheme: string, example: string): PlainUri {
  const refuse = (): never => {
    const shown = JSON.stringify(uri.slice(0, 200));
    throw invalidArgument(
      "uri",
      `${shown} is not a \`${scheme}:\` URI of a file or folder: write an absolute one, such as ${example}.`,
      "INVALID_URI",
    );
  };
  const [, given = "", authority = "", path = ""] =
    /^([a-z]+):\/\/([^/?#\\%\p{Cc}]*)((?:\/[^?#\\\p{Cc}]*)?)$/u.exec(uri) ?? [];
  if (given !== scheme || /%2f/i.test(path)) return refuse();
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return refuse();
  }
  return /[\p{Cc}\\]/u.test(decoded) ? refuse() : { authority, path: decoded };
}

/** Whether a path has a part that leads elsewhere. */
export const leadsElsewhere = (path: string): boolean =>
  path.split("/").some((part) => part === "." || part === "..");

/** PERMISSION_DENIED for a URI that is not below one of the roots. */
export function artifactOutside(uri: string, why: string, roots: readonly string[]): ControlPlaneError {
  const remedy =
    roots.length > 0 ? `Put it below ${roots.join(" or ")}.` : "No folder for artifacts is configured.";
  return new ControlPlaneError("PERMISSION_DENIED", `${uri} ${why}. ${remedy}`, {
    reason: "ARTIFACT_OUTSIDE_ROOTS",
    field: "uri",
    metadata: { uri },
  });
}

/** PERMISSION_DENIED for what is neither a file nor a folder. */
export function artifactNotRegular(path: string, what: string): ControlPlaneError {
  return new ControlPlaneError(
    "PERMISSION_DENIED",
    `${path} is ${what}: an artifact is made of plain files and folders only. Put a copy of the content there.`,
    { reason: "ARTIFACT_NOT_REGULAR", metadata: { path } },
  );
}

/** INVALID_ARGUMENT for an artifact that is more than anybody reads. */
export function artifactTooLarge(path: string, what: string): ControlPlaneError {
  return new ControlPlaneError("INVALID_ARGUMENT", `${path} ${what}. Pack it into fewer files.`, {
    reason: "ARTIFACT_TOO_LARGE",
    metadata: { path },
  });
}
