// The manifest that a job writes last beside its output. Only the number of rows is read from it; the digest covers all of it.
import { open } from "node:fs/promises";
import type { Artifacts } from "../../../shared/ports/artifacts.ts";

/** The file's name inside an output folder. */
export const MANIFEST_FILE = "manifest.json";

/** The URI of an output's manifest. It is one small file, also where the output is more than anybody copies. */
export const manifestUri = (outputUri: string): string => `${outputUri.replace(/\/$/, "")}/${MANIFEST_FILE}`;

/** Bytes of a manifest that are read. */
export const MANIFEST_BYTES_MAX = 1_000_000;

/** Rows of the output as its manifest states them, or undefined when there is no manifest that says so. */
export async function manifestRows(
  artifacts: Pick<Artifacts, "path">,
  outputUri: string,
): Promise<number | undefined> {
  let text: string;
  try {
    const file = await open(await artifacts.path(manifestUri(outputUri)));
    try {
      if ((await file.stat()).size > MANIFEST_BYTES_MAX) return undefined;
      text = await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch {
    // An output without a manifest, or a single file, is an output all the same: it has a digest and no row count.
    return undefined;
  }
  try {
    const manifest: unknown = JSON.parse(text);
    const rows =
      typeof manifest === "object" && manifest !== null ? (manifest as { rows?: unknown }).rows : undefined;
    return typeof rows === "number" && Number.isSafeInteger(rows) && rows >= 0 ? rows : undefined;
  } catch {
    return undefined;
  }
}
