// A problem in a file that a person wrote: where it is, what is wrong and what to do about it.

/** One problem in a source file. Lines and columns count from 1; columns count UTF-16 units. */
export interface SourceProblem {
  /** Path inside the repository. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document, such as `stacks[0].name`, for files that have such paths. */
  readonly path?: string;
  readonly what: string;
  readonly remedy: string;
}

/** Stops a reader at the first thing it cannot read; never leaves the reader's entry function. */
export class SourceRefusal extends Error {
  readonly problem: SourceProblem;

  constructor(problem: SourceProblem) {
    super(formatProblem(problem));
    this.name = "SourceRefusal";
    this.problem = problem;
  }
}

/** One line for a person: `file:line:column: what. remedy`. */
export function formatProblem(problem: SourceProblem): string {
  const path = problem.path === undefined || problem.path === "" ? "" : `${problem.path}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${path}${problem.what} ${problem.remedy}`;
}

/** Runs a reader and turns its refusal into a value; any other error is a defect and goes on. */
export function refusalAsProblem<Value>(read: () => Value): Value | { readonly problem: SourceProblem } {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceRefusal) return { problem: error.problem };
    throw error;
  }
}
