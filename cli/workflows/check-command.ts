// `signalbox workflows check`: what production would refuse at deployment, with its place and a hint.
import { compile, type Problem } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import { isCaseFile, parseCaseFile } from "./case-file.ts";
import { formatProblems, readText } from "./source.ts";

/** The rule of a file that does not exist. */
const NOT_FOUND = "file-not-found";

/** How a check is asked for. */
export interface CheckOptions {
  readonly json: boolean;
  readonly denyWarnings: boolean;
}

/** A file that cannot be read is a problem beside those of the others. */
const unreadable = (file: string, error: CommandError): Problem => ({
  severity: "error",
  file,
  line: 1,
  column: 1,
  length: 0,
  rule: error.exit === EXIT.notFound ? NOT_FOUND : "unreadable-file",
  message: "this file cannot be read",
  hint: error.message.replace(/\.$/, ""),
});

async function problemsOf(path: string): Promise<readonly Problem[]> {
  let text: string;
  try {
    text = await readText(path, "The file");
  } catch (error) {
    if (error instanceof CommandError) return [unreadable(path, error)];
    throw error;
  }
  if (isCaseFile(path)) {
    const parsed = parseCaseFile(text, path);
    return parsed.ok ? [] : parsed.problems;
  }
  const compiled = compile(text, { file: path });
  return compiled.ok ? compiled.warnings : compiled.problems;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Checks every file and prints all problems. @throws {CommandError} when one of them is an error. */
export async function checkFiles(
  paths: readonly string[],
  { json, denyWarnings }: CheckOptions,
  write: (text: string) => void,
): Promise<void> {
  const problems: Problem[] = [];
  for (const path of paths) problems.push(...(await problemsOf(path)));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const bad = errors > 0 || (denyWarnings && warnings > 0);
  if (json) write(`${JSON.stringify({ ok: !bad, files: paths, problems }, null, 2)}\n`);
  else if (problems.length > 0) write(`${formatProblems(problems)}\n`);
  const counts = `${plural(errors, "error")}, ${plural(warnings, "warning")} in ${plural(paths.length, "file")}.`;
  const missing = problems.some(({ rule }) => rule === NOT_FOUND);
  if (bad) throw new CommandError(missing ? EXIT.notFound : EXIT.refused, counts);
  if (!json)
    write(`${problems.length === 0 ? `${plural(paths.length, "file")} checked: no problems.` : counts}\n`);
}
