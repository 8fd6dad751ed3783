// What a plan may use is decided before `terraform init` runs: providers, data sources, provisioners and module sources
// outside the allow-list are refused, as is everything that would move the state or read files from elsewhere.
import type { HclBlock, HclBody } from "./hcl.ts";
import type { HclToken } from "./hcl-lexer.ts";
import { BUILT_IN_PROVIDER } from "./provider-source.ts";
import type { SourceProblem } from "./source-problem.ts";
import { scanBlock, type ScanPolicy, requiredProviders } from "./terraform-blocks.ts";
import {
  decodeSource,
  directoryOf,
  isConfigurationFile,
  readTerraformFile,
  resolveInside,
  type TerraformFile,
} from "./terraform-files.ts";
import { functionUse, type Surroundings, templateFileUse } from "./terraform-functions.ts";

/** Module directories of one stack. */
export const SCAN_MODULES_MAX = 500;
/** Template files of one stack. */
export const SCAN_TEMPLATES_MAX = 500;
/** Problems that are reported at once. */
export const SCAN_PROBLEMS_MAX = 200;

/** The configuration that Signalbox writes into the working copy; it sorts behind every other override file. */
export const OVERRIDE_FILE = "zz_signalbox_override.tf.json";

/** A file of the closure, as Git has it. */
export interface ScannedFile {
  readonly path: string;
  readonly mode: string;
  readonly bytes: Uint8Array;
}

/** What is scanned. */
export interface ScanInput {
  /** The root module's directory in the repository. */
  readonly directory: string;
  /** Every file of the stack's closure. */
  readonly files: readonly ScannedFile[];
  readonly allow: ScanPolicy;
}

/** A `required_version` constraint as written. */
export interface RequiredVersion {
  readonly constraint: string;
  readonly file: string;
  readonly line: number;
}

/** What the scan found; the plan may start only when there are no problems. */
export interface ScanResult {
  readonly problems: readonly SourceProblem[];
  /** Whether one of the problems is a file that could not be read. */
  readonly unreadable: boolean;
  readonly requiredVersions: readonly RequiredVersion[];
  /** Full source addresses of all providers in use, sorted. */
  readonly providers: readonly string[];
}

const REGULAR_MODES = new Set(["100644", "100755"]);

/** Files that would change how Terraform itself works, and links that lead elsewhere. */
function fileProblems({ path, mode }: ScannedFile, directory: string): readonly SourceProblem[] {
  const at = { file: path, line: 1, column: 1 };
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const folders = path.toLowerCase().split("/").slice(0, -1);
  const problems: SourceProblem[] = [];
  if (!REGULAR_MODES.has(mode)) {
    const what = mode === "120000" ? "The file is a symbolic link." : "The entry is not a regular file.";
    problems.push({ ...at, what, remedy: "Put the content itself into the stack." });
  }
  if (folders.includes(".terraform") || folders.includes("terraform.d")) {
    const what = "The file stands in a folder that Terraform keeps for its own work.";
    problems.push({ ...at, what, remedy: "Remove the folder from the repository and add it to .gitignore." });
  }
  if (name === OVERRIDE_FILE) {
    problems.push({
      ...at,
      what: "Signalbox writes a file of this name itself.",
      remedy: "Rename the file.",
    });
  }
  if (directoryOf(path) === directory && name.startsWith("terraform.tfstate")) {
    problems.push({
      ...at,
      what: "A state file is in the repository.",
      remedy: "Remove it; Signalbox keeps the state.",
    });
  }
  return problems;
}

/** All expressions of a body, at any depth, as token lists. */
function expressions(body: HclBody): readonly (readonly HclToken[])[] {
  const own = body.attributes.map(({ expression }) => expression.tokens);
  return [...own, ...body.blocks.flatMap((block) => expressions(block.body))];
}

/** What is gathered while the modules are walked. */
interface Findings {
  unreadable: boolean;
  readonly problems: SourceProblem[];
  readonly versions: RequiredVersion[];
  readonly providers: Set<string>;
  /** Template files that were looked at, by path and module. */
  readonly templates: Set<string>;
}

function scanTemplates(
  tokens: readonly HclToken[],
  around: Surroundings,
  input: ScanInput,
  found: Findings,
): void {
  const pending = [functionUse(tokens, around)];
  for (let use = pending.pop(); use !== undefined; use = pending.pop()) {
    found.problems.push(...use.problems);
    for (const template of use.templates) {
      const key = `${around.moduleDirectory}\n${template.path}`;
      if (found.templates.has(key)) continue;
      found.templates.add(key);
      const place = { file: around.file, line: template.line, column: template.column };
      const file = input.files.find(({ path }) => path === template.path);
      const text = file === undefined ? undefined : decodeSource(file.path, file.bytes);
      if (found.templates.size > SCAN_TEMPLATES_MAX) {
        found.problems.push({
          ...place,
          what: "The stack uses too many template files.",
          remedy: "Use fewer.",
        });
      } else if (text === undefined) {
        const what = `The template ${template.path} is not among the stack's files.`;
        found.problems.push({ ...place, what, remedy: "Add its folder to the stack's `watch` list." });
      } else if (typeof text !== "string") {
        found.problems.push(text.problem);
      } else {
        pending.push(templateFileUse(template.path, text, around));
      }
    }
  }
}

function scanModule(directory: string, input: ScanInput, found: Findings): readonly string[] {
  const files: TerraformFile[] = [];
  for (const { path, bytes } of input.files) {
    if (directoryOf(path) !== directory || !isConfigurationFile(path)) continue;
    const file = readTerraformFile(path, bytes);
    if ("problem" in file) {
      found.problems.push(file.problem);
      found.unreadable = true;
    } else {
      files.push(file);
    }
  }
  const blocks: { readonly file: string; readonly block: HclBlock }[] = files.flatMap(({ path, body }) =>
    body.blocks.map((block) => ({ file: path, block })),
  );
  const declared = requiredProviders(blocks);
  found.problems.push(...declared.problems);
  const next: string[] = [];
  for (const { file, block } of blocks) {
    const use = scanBlock(block, { file, directory, allow: input.allow, providers: declared.sources });
    found.problems.push(...use.problems);
    found.versions.push(...use.requiredVersions.map((version) => ({ ...version, file })));
    for (const provider of use.providers) found.providers.add(provider);
    next.push(...use.modules);
    const around = { file, moduleDirectory: directory, rootDirectory: input.directory };
    for (const tokens of expressions(block.body)) scanTemplates(tokens, around, input, found);
  }
  for (const source of declared.sources.values()) found.providers.add(source);
  return next;
}

/** Scans a stack: its root module and every local module that it reaches, plus the kind of every file of its closure. */
export function scanStack(input: ScanInput): ScanResult {
  const found: Findings = {
    unreadable: false,
    problems: [],
    versions: [],
    providers: new Set(),
    templates: new Set(),
  };
  found.problems.push(...input.files.flatMap((file) => fileProblems(file, input.directory)));
  const seen = new Set([input.directory]);
  const pending = [input.directory];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    if (seen.size > SCAN_MODULES_MAX) {
      const what = `The stack has more than ${SCAN_MODULES_MAX} local modules.`;
      found.problems.push({ file: directory, line: 1, column: 1, what, remedy: "Split the stack." });
      break;
    }
    for (const next of scanModule(directory, input, found)) {
      if (!seen.has(next)) pending.push(next);
      seen.add(next);
    }
  }
  const lockFile = resolveInside(input.directory, ".terraform.lock.hcl") ?? "";
  const foreign = [...found.providers].filter((provider) => provider !== BUILT_IN_PROVIDER);
  if (foreign.length > 0 && !input.files.some(({ path }) => path === lockFile)) {
    const what = `The stack uses ${foreign.join(", ")} but has no ${lockFile}.`;
    const remedy = "Run `terraform init` in the stack's directory and commit the lock file.";
    found.problems.push({ file: lockFile, line: 1, column: 1, what, remedy });
  }
  return {
    problems: found.problems.slice(0, SCAN_PROBLEMS_MAX),
    unreadable: found.unreadable,
    requiredVersions: found.versions,
    providers: [...found.providers].sort(),
  };
}
