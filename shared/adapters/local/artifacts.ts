// Artifacts as files and folders below a few roots, named by `file:` URIs.
import { lstat, realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";
import type { Artifacts } from "../../ports/artifacts.ts";
import { fileContentDigest, folderContentDigest, notRegular } from "./artifact-digest.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";

function denied(uri: string, why: string, roots: readonly string[]): ControlPlaneError {
  const remedy =
    roots.length > 0 ? `Put it below ${roots.join(" or ")}.` : "No folder for artifacts is configured.";
  return new ControlPlaneError("PERMISSION_DENIED", `${uri} ${why}. ${remedy}`, {
    reason: "ARTIFACT_OUTSIDE_ROOTS",
    field: "uri",
    metadata: { uri },
  });
}

/** The path that a URI says, before anything is looked up. URLs forget `..` when they are parsed, so the text is looked at first. */
function pathOf(uri: string, roots: readonly string[]): string {
  const refuse = (): never => {
    throw invalidArgument(
      "uri",
      `${JSON.stringify(uri.slice(0, 200))} is no file: write an absolute one, such as file:///srv/models/ranker.`,
      "INVALID_URI",
    );
  };
  if (!/^file:\/\/(localhost)?\/[^?#\\\p{Cc}]*$/u.test(uri)) return refuse();
  let text: string;
  try {
    text = decodeURIComponent(uri);
  } catch {
    return refuse();
  }
  if (/[\p{Cc}\\]/u.test(text) || /%2f/i.test(uri)) return refuse();
  if (text.split("/").some((part) => part === "." || part === ".."))
    throw denied(uri, "has a part that leads elsewhere", roots);
  return fileURLToPath(uri.replace("file://localhost/", "file:///"));
}

const isBelow = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/** The path of what the URI names, which lies below a root and is reached without a symlink. */
async function locate(uri: string, roots: readonly string[]): Promise<string> {
  const path = resolve(pathOf(uri, roots));
  const root = roots.find((each) => isBelow(each, path));
  if (root === undefined) throw denied(uri, "lies outside the folders for artifacts", roots);
  try {
    // The root itself may be a link of the machine (/tmp on a Mac): only what lies below it is judged.
    const expected = join(await realpath(root), relative(root, path));
    const real = await realpath(path);
    if (real !== expected) throw notRegular(path, `reached through a symbolic link`);
    return real;
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw notFound(uri, "Copy the artifact there, or correct the URI.");
    throw fileUnavailable(path, error);
  }
}

/** Artifacts below the roots, which are absolute folders. */
export function createArtifacts(options: { readonly roots: readonly string[] }): Artifacts {
  const roots = options.roots.map((root) => resolve(root));
  return {
    path: (uri) => locate(uri, roots),
    async digest(uri) {
      const path = await locate(uri, roots);
      try {
        return (await lstat(path)).isDirectory()
          ? await folderContentDigest(path)
          : await fileContentDigest(path);
      } catch (error) {
        if (fileErrorCode(error) === "ENOENT")
          throw notFound(uri, "It was removed while it was read: put it back.");
        throw fileUnavailable(path, error);
      }
    },
  };
}
