// Artifacts as files and folders below a few roots, named by `file:` URIs.
import { lstat, realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import {
  artifactNotRegular,
  artifactOutside,
  leadsElsewhere,
  requirePlainUri,
} from "../../domain/artifact.ts";
import { invalidArgument, notFound } from "../../domain/errors.ts";
import type { Artifacts } from "../../ports/artifacts.ts";
import { fileContentDigest, folderContentDigest } from "./artifact-digest.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";

const EXAMPLE = "file:///srv/models/ranker";

/** The path that a URI says, before anything is looked up. */
function pathOf(uri: string, roots: readonly string[]): string {
  const { authority, path } = requirePlainUri(uri, "file", EXAMPLE);
  if ((authority !== "" && authority !== "localhost") || path === "")
    throw invalidArgument(
      "uri",
      `${uri} is on another machine: write an absolute path, such as ${EXAMPLE}.`,
      "INVALID_URI",
    );
  if (leadsElsewhere(path)) throw artifactOutside(uri, "has a part that leads elsewhere", roots);
  return path;
}

const isBelow = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/** The path of what the URI names, which lies below a root and is reached without a symlink. */
async function locate(uri: string, roots: readonly string[]): Promise<string> {
  const path = resolve(pathOf(uri, roots));
  const root = roots.find((each) => isBelow(each, path));
  if (root === undefined) throw artifactOutside(uri, "lies outside the folders for artifacts", roots);
  try {
    // The root itself may be a link of the machine (/tmp on a Mac): only what lies below it is judged.
    const expected = join(await realpath(root), relative(root, path));
    const real = await realpath(path);
    if (real !== expected) throw artifactNotRegular(path, `reached through a symbolic link`);
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
