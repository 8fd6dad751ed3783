// Which files Terraform reads in a module's directory, and reading one of them.
import { type HclBody, readHcl } from "./hcl.ts";
import type { SourceProblem } from "./source-problem.ts";
import { readTerraformJson } from "./terraform-json.ts";

/** Bytes of one configuration file. */
export const TERRAFORM_FILE_BYTES_MAX = 1_000_000;

/** One configuration file, read. */
export interface TerraformFile {
  readonly path: string;
  readonly body: HclBody;
}

/** Whether Terraform may load this file as configuration (override files included; hidden and backup files too, to be safe). */
export function isConfigurationFile(path: string): boolean {
  return path.endsWith(".tf") || path.endsWith(".tf.json");
}

/** The directory part of a path in the repository; empty for the root. */
export function directoryOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** `relative` as seen from `directory`, both inside the repository; undefined when it leaves the repository. */
export function resolveInside(directory: string, relative: string): string | undefined {
  const parts = directory === "" ? [] : directory.split("/");
  for (const part of relative.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") {
      parts.push(part);
    }
  }
  return parts.join("/");
}

/** Compares two texts by their UTF-8 bytes, as Git orders paths. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Bytes as text, or the problem that they are not UTF-8 or too many. */
export function decodeSource(path: string, bytes: Uint8Array): string | { readonly problem: SourceProblem } {
  const at = { file: path, line: 1, column: 1 };
  if (bytes.length > TERRAFORM_FILE_BYTES_MAX) {
    const what = `The file has ${bytes.length} bytes; at most ${TERRAFORM_FILE_BYTES_MAX} are read.`;
    return { problem: { ...at, what, remedy: "Split it into several files." } };
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { problem: { ...at, what: "The file is not valid UTF-8.", remedy: "Save it as UTF-8." } };
  }
}

/** Reads one `.tf`, `.hcl` or `.tf.json` file, or says where it cannot be read. */
export function readTerraformFile(
  path: string,
  bytes: Uint8Array,
): TerraformFile | { readonly problem: SourceProblem } {
  const text = decodeSource(path, bytes);
  if (typeof text !== "string") return text;
  const body = path.endsWith(".json") ? readTerraformJson(path, text) : readHcl(path, text);
  return "problem" in body ? body : { path, body };
}

/** Where a module call leads. */
export type ModuleSource =
  | { readonly kind: "local"; readonly directory: string }
  | { readonly kind: "escapes" }
  | { readonly kind: "remote"; readonly source: string };

/** Takes a module's `source` apart; Terraform takes only `./` and `../` for local. */
export function moduleSource(directory: string, source: string): ModuleSource {
  if (!source.startsWith("./") && !source.startsWith("../")) return { kind: "remote", source };
  if (source.includes("\\") || source.includes("\0") || source.includes("//")) return { kind: "escapes" };
  const resolved = resolveInside(directory, source);
  return resolved === undefined ? { kind: "escapes" } : { kind: "local", directory: resolved };
}
