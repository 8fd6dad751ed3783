// The repository as a step sees it: the files that it was handed, and nothing else.
import { notFound } from "../../../shared/domain/errors.ts";
import type { SourceObject } from "../../../shared/ports/build-objects.ts";
import type { CodeHost } from "../../../shared/ports/code-host.ts";

/** Reads of what was handed over. Whether the bytes are those of their ids is checked by whoever uses them. */
export function createHandedSource({ files }: SourceObject): Pick<CodeHost, "tree" | "blob"> {
  const blobs = new Map(files.map(({ objectId, base64 }) => [objectId, base64]));
  return {
    tree: async () =>
      files.map(({ path, mode, objectId, base64 }) => ({
        path,
        mode,
        objectId,
        size: Buffer.byteLength(base64, "base64"),
      })),
    blob: async (_, objectId) => {
      const base64 = blobs.get(objectId);
      if (base64 === undefined) throw notFound(`The file ${objectId}`, "It was not handed to this build.");
      return Buffer.from(base64, "base64");
    },
  };
}
