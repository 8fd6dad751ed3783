// Problems: everything that keeps a file from being deployed, found in one go.
import { PROBLEMS_MAX } from "../limits.ts";
import type { Span } from "../expressions/expression.ts";

/** One problem with its place, what is wrong and what to do about it. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly file: string;
  /** Line and column count from 1. */
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** A stable name of the rule, such as "unknown-variable". */
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}

/** Collects problems in the order they are found, at most PROBLEMS_MAX of them, none twice. */
export interface ProblemList {
  readonly problems: readonly Problem[];
  readonly error: (span: Span, rule: string, message: string, hint: string) => void;
  readonly warn: (span: Span, rule: string, message: string, hint: string) => void;
  hasErrors(): boolean;
}

/** An empty list for one file. */
export function createProblemList(file: string): ProblemList {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  let errors = 0;
  const add = (
    severity: Problem["severity"],
    { line, column, length }: Span,
    rule: string,
    message: string,
    hint: string,
  ): void => {
    if (severity === "error") errors++;
    const key = `${line}:${column}:${rule}:${message}`;
    if (seen.has(key) || problems.length >= PROBLEMS_MAX) return;
    seen.add(key);
    problems.push({ severity, file, line, column, length, rule, message, hint });
  };
  return {
    problems,
    error: (span, rule, message, hint) => add("error", span, rule, message, hint),
    warn: (span, rule, message, hint) => add("warning", span, rule, message, hint),
    hasErrors: () => errors > 0,
  };
}

/** One line for people: `file:line:column: error: message (hint)`. */
export function formatProblem({ file, line, column, severity, message, hint }: Problem): string {
  return `${file}:${line}:${column}: ${severity}: ${message} (${hint})`;
}
