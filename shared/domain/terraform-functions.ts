// Function calls that read files while Terraform plans: they may reach only files of the stack's own closure.
// A path must be written out, because a computed one could name any file of the machine that plans.
import { type HclTemplateToken, type HclToken, hclTemplate, templateText } from "./hcl-lexer.ts";
import { refusalAsProblem, type SourceProblem } from "./source-problem.ts";
import { resolveInside } from "./terraform-files.ts";

/** Functions whose first argument is a path that they read. */
const READS_FILE =
  /^(?:file|file(?:base64|exists|md5|sha1|sha256|sha512|base64sha256|base64sha512)|templatefile|fileset)$/;
/** Functions that tell about the machine or evaluate text as a template, which could call anything. */
const REFUSED = new Set(["pathexpand", "abspath", "templatestring"]);

/** A file that `templatefile` evaluates: its text is scanned as well. */
export interface TemplateUse {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** What the function calls of an expression ask for. */
export interface FunctionUse {
  readonly problems: readonly SourceProblem[];
  readonly templates: readonly TemplateUse[];
}

/** Where an expression stands: the directories behind `path.module` and `path.root`, as paths in the repository. */
export interface Surroundings {
  readonly file: string;
  readonly moduleDirectory: string;
  readonly rootDirectory: string;
}

const REMEDY = 'Write the path as "${path.module}/…" without other interpolations, inside the repository.';

const text = (token: HclToken | undefined): string =>
  token === undefined || token.kind === "template" ? "" : token.text;

/** `path.module` or `path.root` as a directory; undefined for any other expression. */
function pathReference(tokens: readonly HclToken[], around: Surroundings): string | undefined {
  if (tokens.length !== 3 || text(tokens[0]) !== "path" || text(tokens[1]) !== ".") return undefined;
  if (text(tokens[2]) === "module") return around.moduleDirectory;
  return text(tokens[2]) === "root" ? around.rootDirectory : undefined;
}

/** The repository path that a template names, or undefined when it cannot be told or leaves the repository. */
function templatePath(token: HclTemplateToken, around: Surroundings): string | undefined {
  const [head = "", base, tail = "", ...more] = token.parts;
  if (typeof head !== "string" || typeof tail !== "string" || more.length > 0) return undefined;
  if (base === undefined) {
    // Relative paths start in Terraform's working folder, the root module.
    return /^[/~\\]/.test(head) || head.includes("\0")
      ? undefined
      : resolveInside(around.rootDirectory, head);
  }
  const directory = typeof base === "string" ? undefined : pathReference(base, around);
  if (head !== "" || directory === undefined || !(tail === "" || tail.startsWith("/"))) return undefined;
  return resolveInside(directory, tail);
}

/** The arguments of a call, from behind its opening bracket to its closing one. */
function callArguments(tokens: readonly HclToken[], start: number): readonly (readonly HclToken[])[] {
  const found: HclToken[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(start)) {
    const sign = token.kind === "punctuation" ? token.text : "";
    if (depth === 0 && sign === ")") break;
    if (sign === "(" || sign === "[" || sign === "{") depth += 1;
    if (sign === ")" || sign === "]" || sign === "}") depth -= 1;
    if (depth === 0 && sign === ",") found.push([]);
    else found.at(-1)?.push(token);
  }
  return found;
}

/** The repository path that an argument names, or undefined when it cannot be told before planning. */
function argumentPath(argument: readonly HclToken[] | undefined, around: Surroundings): string | undefined {
  const only = argument?.[0];
  if (argument?.length === 1 && only?.kind === "template") return templatePath(only, around);
  return pathReference(argument ?? [], around);
}

/** Whether a `fileset` pattern is written out and stays below its folder. */
function isSafePattern(argument: readonly HclToken[] | undefined): boolean {
  const only = argument?.[0];
  const pattern = argument?.length === 1 && only?.kind === "template" ? templateText(only) : undefined;
  return pattern !== undefined && !pattern.startsWith("/") && !pattern.split(/[/{},]/).includes("..");
}

interface Call {
  readonly name: string;
  readonly at: HclToken;
  readonly arguments: readonly (readonly HclToken[])[];
}

/** Every call of a built-in function in the tokens, those inside templates included. */
function callsIn(source: readonly HclToken[]): readonly Call[] {
  // Inside of brackets a call may be broken over lines, so line ends do not count.
  const tokens = source.filter(({ kind }) => kind !== "newline");
  return tokens.flatMap((token, index): readonly Call[] => {
    if (token.kind === "template") {
      return token.parts.flatMap((part) => (typeof part === "string" ? [] : callsIn(part)));
    }
    if (token.kind !== "identifier" || text(tokens[index + 1]) !== "(") return [];
    const scoped = text(tokens[index - 1]) === "::" && text(tokens[index - 2]) !== "core";
    return scoped ? [] : [{ name: token.text, at: token, arguments: callArguments(tokens, index + 2) }];
  });
}

/** Judges the file functions that an expression calls. */
export function functionUse(tokens: readonly HclToken[], around: Surroundings): FunctionUse {
  const problems: SourceProblem[] = [];
  const templates: TemplateUse[] = [];
  for (const call of callsIn(tokens)) {
    const { name } = call;
    const place = { file: around.file, line: call.at.line, column: call.at.column };
    if (REFUSED.has(name)) {
      const what = `The function ${name} is not allowed: it can reach files outside the repository.`;
      problems.push({ ...place, what, remedy: "Remove the call." });
    }
    if (!READS_FILE.test(name)) continue;
    const path = argumentPath(call.arguments[0], around);
    if (path === undefined) {
      const what = `${name} reads a path outside the repository, or one that is computed while planning.`;
      problems.push({ ...place, what, remedy: REMEDY });
    } else if (name === "templatefile") {
      templates.push({ path, line: call.at.line, column: call.at.column });
    }
    if (name === "fileset" && !isSafePattern(call.arguments[1])) {
      const what = "fileset looks for a pattern that is computed while planning or leaves its folder.";
      problems.push({ ...place, what, remedy: "Write the pattern as a literal without `..`." });
    }
  }
  return { problems, templates };
}

/** Judges the text of a file that `templatefile` evaluates. */
export function templateFileUse(file: string, source: string, around: Surroundings): FunctionUse {
  const template = refusalAsProblem(() => hclTemplate(file, source, { line: 1, column: 1 }));
  if ("problem" in template) return { problems: [template.problem], templates: [] };
  return functionUse([template], { ...around, file });
}
