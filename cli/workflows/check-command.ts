// `signalbox workflows check`: what production would refuse at deployment, with its place and a hint.
import { compile, type Problem } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import { isCaseFile, parseCaseFile } from "./case-file.ts";
import { formatProblems, readText } from "./source.ts";

/** How a check is asked for. */
export interface CheckOptions {
  readonly json: boolean;
  readonly denyWarnings: boolean;
}

async function problemsOf(path: string): Promise<readonly Problem[]> {
  const text = await readText(path, "The file");
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
  if (bad) throw new CommandError(EXIT.refused, counts);
  if (!json)
    write(`${problems.length === 0 ? `${plural(paths.length, "file")} checked: no problems.` : counts}\n`);
}
