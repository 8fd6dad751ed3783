// Where the state of a stack is, and its serial. Terraform alone reads a state that is in a bucket.
import { readFile } from "node:fs/promises";
import type { BuildSettings } from "../../../shared/adapters/local/builds-folder.ts";
import { BuildRefusal } from "./build-refusal.ts";
import { type TerraformContext, terraformJson } from "./terraform.ts";

/** A backend's name → its arguments. */
export type Backend = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The backend of a stack: the configured one, else a file. */
export function backendOf(
  { stateBackend }: Pick<BuildSettings, "stateBackend">,
  stack: string,
  path: string,
): Backend {
  if (stateBackend === undefined) return { local: { path } };
  return Object.fromEntries(
    Object.entries(stateBackend).map(([name, values]) => [
      name,
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, value.replaceAll("{stack}", stack)]),
      ),
    ]),
  );
}

function serialOf(text: string): number {
  try {
    // Terraform creates the file empty when it locks it, and shows nothing of a state that is not there.
    if (text.trim() === "") return -1;
    const { serial } = JSON.parse(text) as { serial?: unknown };
    return typeof serial === "number" ? serial : -1;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BuildRefusal("LOCK_TIMEOUT", "The state is being written by another run, or it is damaged.");
  }
}

/** Serial of the state, or −1 when there is none yet. */
export async function stateSerial(
  { stateBackend }: Pick<BuildSettings, "stateBackend">,
  context: TerraformContext,
  path: string,
): Promise<number> {
  if (stateBackend !== undefined) return serialOf(await terraformJson(context, ["state", "pull"]));
  try {
    return serialOf(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return -1;
    throw error;
  }
}
