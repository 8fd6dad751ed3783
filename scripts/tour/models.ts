// Artifacts of the tour's model: small files whose content decides how the example server behaves.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** An artifact on this machine. */
export interface ArtifactFile {
  readonly uri: string;
  readonly digest: string;
}

/** Writes the artifact of one version: how fast it answers, and how often wrongly. */
export async function writeModel(
  folder: string,
  version: string,
  behaviour: { readonly errorRate: number; readonly latencyMs: number },
): Promise<ArtifactFile> {
  await mkdir(join(folder, "ranker"), { recursive: true });
  const path = join(folder, "ranker", `${version}.json`);
  const text = `${JSON.stringify({ model: "ranker", version, ...behaviour })}\n`;
  await writeFile(path, text);
  return {
    uri: pathToFileURL(path).href,
    digest: `sha256:${createHash("sha256").update(text).digest("hex")}`,
  };
}
