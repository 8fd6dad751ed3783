// What a build is handed instead of credentials: the files of its closure, and a key that is good for its stack alone.
import { createHmac } from "node:crypto";
import { invalidArgument } from "../../domain/errors.ts";
import type { PlanKey } from "../../domain/plan-digest.ts";
import type { SourceObject } from "../../ports/build-objects.ts";
import type { BuildSpec } from "../../ports/builds.ts";
import type { CodeHost } from "../../ports/code-host.ts";

/** Bytes of the files of one closure. */
export const BUILD_SOURCE_BYTES_MAX = 32 * 1024 * 1024;

/** Reads the closure's files; the program checks each against its object id. */
export async function sourceOf(codeHost: Pick<CodeHost, "blob">, spec: BuildSpec): Promise<SourceObject> {
  const files: SourceObject["files"][number][] = [];
  let size = 0;
  for (const { path, mode, objectId } of spec.files) {
    const bytes = await codeHost.blob(spec.repository, objectId);
    size += bytes.byteLength;
    if (size > BUILD_SOURCE_BYTES_MAX)
      throw invalidArgument(
        "files",
        `The closure has more than ${BUILD_SOURCE_BYTES_MAX} bytes: watch fewer files.`,
      );
    files.push({ path, mode, objectId, base64: Buffer.from(bytes).toString("base64") });
  }
  return { files };
}

/** The key of a stack. Code of a pull request may read it: it sees that stack's values anyhow, and no other's. */
export function stackKey({ id, secret }: PlanKey, stack: string): PlanKey {
  return { id, secret: createHmac("sha256", secret).update(stack).digest("hex") };
}
