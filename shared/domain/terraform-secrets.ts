// Values of sensitive variables as far as they are written in the stack's own files: known before any plan is, so that
// even the log of a plan that fails does not show them.
import { attributeOf } from "./hcl.ts";
import { type HclValue, isHclObject } from "./hcl-literal.ts";
import { SECRET_LENGTH_MIN } from "./plan-secrets.ts";
import {
  decodeSource,
  directoryOf,
  isConfigurationFile,
  readTerraformFile,
  resolveInside,
} from "./terraform-files.ts";
import type { ScannedFile } from "./terraform-scan.ts";

/** The texts inside a value. */
function texts(value: HclValue | undefined): readonly string[] {
  if (typeof value === "string" || typeof value === "number") return [String(value)];
  if (Array.isArray(value)) return (value as readonly HclValue[]).flatMap(texts);
  return isHclObject(value) ? Object.values(value).flatMap(texts) : [];
}

/** Variable files that Terraform loads by itself, and those that are named. */
function isVariableFile(path: string, directory: string, varFiles: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const automatic = /^terraform\.tfvars(\.json)?$|\.auto\.tfvars(\.json)?$/.test(name);
  return (
    (automatic && directoryOf(path) === directory) ||
    varFiles.some((file) => resolveInside(directory, file) === path)
  );
}

/** JSON objects hold the same literals; what is broken is Terraform's to report. */
function jsonValues(path: string, text: string): Readonly<Record<string, HclValue>> {
  try {
    const value = JSON.parse(text) as HclValue;
    return isHclObject(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw new Error(`${path} could not be read.`, { cause: error });
  }
}

/** Texts of sensitive variables of the root module, longest first. */
export function sensitiveVariableTexts(
  directory: string,
  varFiles: readonly string[],
  files: readonly ScannedFile[],
): readonly string[] {
  const sensitive = new Set<string>();
  const found: string[] = [];
  for (const { path, bytes } of files) {
    if (directoryOf(path) !== directory || !isConfigurationFile(path)) continue;
    const file = readTerraformFile(path, bytes);
    if ("problem" in file) continue;
    for (const block of file.body.blocks) {
      const [name] = block.labels;
      if (block.type !== "variable" || name === undefined) continue;
      // Anything but a plain `false` may turn out to be true.
      const mark = attributeOf(block.body, "sensitive")?.expression;
      if (mark === undefined || mark.literal === false) continue;
      sensitive.add(name);
      found.push(...texts(attributeOf(block.body, "default")?.expression.literal));
    }
  }
  for (const { path, bytes } of files) {
    if (!isVariableFile(path, directory, varFiles)) continue;
    const text = decodeSource(path, bytes);
    if (typeof text !== "string") continue;
    if (path.endsWith(".json")) {
      for (const [name, value] of Object.entries(jsonValues(path, text)))
        if (sensitive.has(name)) found.push(...texts(value));
      continue;
    }
    const file = readTerraformFile(path, bytes);
    if ("problem" in file) continue;
    for (const { name, expression } of file.body.attributes) {
      if (sensitive.has(name)) found.push(...texts(expression.literal));
    }
  }
  const long = [...new Set(found)].filter(({ length }) => length >= SECRET_LENGTH_MIN);
  return long.toSorted((one, other) => other.length - one.length);
}
