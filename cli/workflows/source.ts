// Reads a workflow file and compiles it, or says what keeps it from being one.
import { readFile } from "node:fs/promises";
import { compile, formatProblem, type Problem, type Program } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "does not exist: correct the path",
  EISDIR: "is a folder: name a file in it",
  EACCES: "may not be read by you: change its permissions",
};

/** The text of a file; `what` says in words what the command wanted it for. @throws {CommandError} when it cannot be read. */
export async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = UNREADABLE[code] ?? `cannot be read (${code === "" ? String(error) : code})`;
    throw new CommandError(
      code === "ENOENT" ? EXIT.notFound : EXIT.refused,
      `${what} ${path} ${why}.`,
      error,
    );
  }
}

/** Problems for people, one line each. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => withoutControls(formatProblem(problem))).join("\n");
}

/** A workflow as it stands on disk. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
}

/** Reads and compiles a workflow. @throws {CommandError} with every problem, when it does not check. */
export async function loadWorkflow(path: string): Promise<Source> {
  const text = await readText(path, "The workflow");
  const compiled = compile(text, { file: path });
  if (!compiled.ok) throw new CommandError(EXIT.refused, formatProblems(compiled.problems));
  return { path, text, program: compiled.program };
}

/** Text from files and from the network without the characters that move a terminal's cursor; lines stay lines. */
export function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- removing control characters is the purpose
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "�");
}
