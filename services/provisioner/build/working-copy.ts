// The files of a build: exactly the stack's closure, each checked against the tree and its object id, scanned before Terraform runs.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { closureDigest } from "../../../shared/domain/closure.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { formatProblem } from "../../../shared/domain/source-problem.ts";
import { BUILT_IN_PROVIDER } from "../../../shared/domain/provider-source.ts";
import { resolveInside } from "../../../shared/domain/terraform-files.ts";
import { OVERRIDE_FILE, type ScannedFile, scanStack } from "../../../shared/domain/terraform-scan.ts";
import type { BuildSpec } from "../../../shared/ports/builds.ts";
import type { CodeHost } from "../../../shared/ports/code-host.ts";
import { BuildRefusal } from "./build-refusal.ts";

/** Git's object id of a blob: a hash over its kind, length and bytes. */
function objectIdOf(bytes: Uint8Array, algorithm: string): string {
  return createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

const changed = (what: string): BuildRefusal => new BuildRefusal("FETCH_FAILED", what);

/** Reads the closure out of the repository; refuses a file that is not in the tree as the specification says. */
export async function fetchFiles(
  codeHost: Pick<CodeHost, "tree" | "blob">,
  spec: BuildSpec,
): Promise<readonly ScannedFile[]> {
  try {
    if (closureDigest(spec.files) !== spec.closureDigest) {
      throw changed("The list of files is not the one of the closure digest.");
    }
    const tree = new Map(
      (await codeHost.tree(spec.repository, spec.tree)).map((entry) => [entry.path, entry]),
    );
    const files: ScannedFile[] = [];
    for (const { path, mode, objectId } of spec.files) {
      const entry = tree.get(path);
      if (entry?.mode !== mode || entry.objectId !== objectId) {
        throw changed(`${path} is not in ${spec.tree} as it was when the build was asked for.`);
      }
      const bytes = await codeHost.blob(spec.repository, objectId);
      if (objectIdOf(bytes, objectId.length === 64 ? "sha256" : "sha1") !== objectId) {
        throw changed(`The bytes of ${path} are not those of ${objectId}.`);
      }
      files.push({ path, mode, bytes });
    }
    return files;
  } catch (error) {
    if (error instanceof ControlPlaneError) throw new BuildRefusal("FETCH_FAILED", error.message);
    throw error;
  }
}

/** Refuses what the policy does not allow, before Terraform runs; answers the providers that are in use, all of them allowed. */
export function scanFiles(
  spec: BuildSpec,
  directory: string,
  files: readonly ScannedFile[],
): readonly string[] {
  const { problems, unreadable, providers } = scanStack({ directory, files, allow: spec.allow });
  if (problems.length === 0) return providers.filter((provider) => provider !== BUILT_IN_PROVIDER);
  throw new BuildRefusal(
    unreadable ? "PARSE_FAILED" : "SCAN_REFUSED",
    problems.map(formatProblem).join("\n"),
    {
      problems: problems.map(({ file, line, column, what, remedy }) => {
        return { path: file, line, column, message: `${what} ${remedy}` };
      }),
    },
  );
}

/** Writes the files and our backend; answers the folder in which Terraform runs. */
export async function writeFiles(
  folder: string,
  directory: string,
  files: readonly ScannedFile[],
  backend: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<string> {
  for (const { path, mode, bytes } of files) {
    // Closure and scan have refused links and paths that leave the repository; this is the last look.
    if (resolveInside("", path) !== path) throw changed(`${path} is not a plain path.`);
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeFile(target, bytes, { flag: "wx", mode: mode === "100755" ? 0o700 : 0o600 });
  }
  const root = join(folder, directory);
  const override = { terraform: { backend } };
  await mkdir(root, { recursive: true, mode: 0o700 });
  await writeFile(join(root, OVERRIDE_FILE), JSON.stringify(override), { flag: "wx", mode: 0o600 });
  return root;
}
