// Calls: names of functions and routines, and arguments matched to parameters.
import type { Span } from "../expressions/expression.ts";
import { findConnector } from "../connectors/table.ts";
import { findFunction, functionNames } from "../library/library.ts";
import type { LibraryFunction } from "../library/library-function.ts";
import { suggest, suggestOr } from "../parse/suggest.ts";
import type { NameTree, RoutineTree } from "../parse/tree.ts";
import { emit, hiddenSlot, visibleNames, type Emitter } from "./emitter.ts";
import type { Code, Slot } from "./program.ts";

/** Variables that a hint lists at most. */
const LISTED_MAX = 10;

/** Reports a name that means nothing here, in the words of the real compiler. */
export function reportUnknown(emitter: Emitter, name: string, span: Span | undefined): void {
  const step = emitter.steps[emitter.step];
  const where = span ?? step?.span ?? { line: 1, column: 1, offset: 0, length: 0 };
  if (emitter.routines.has(name)) {
    emitter.problems.error(
      where,
      "routine-as-value",
      `the subworkflow ${JSON.stringify(name)} is used as a value`,
      "call it with (), or name it as the predicate of a retry",
    );
    return;
  }
  reportUnknownVariable(emitter, name, where, "assign it in a step before this one");
}

/** Reports a variable that nothing assigns, in the words of the real compiler. */
export function reportUnknownVariable(emitter: Emitter, name: string, span: Span, advice: string): void {
  const known = visibleNames(emitter.scope).filter((visible) => visible !== "");
  const listed =
    known.length === 0 ? "no variable is known here" : `known here: ${known.slice(0, LISTED_MAX).join(", ")}`;
  emitter.problems.error(
    span,
    "unknown-variable",
    `symbol '${name}' is neither a variable nor a sub-workflow name`,
    suggestOr(name, [...known, ...emitter.routines.keys()], `${advice}; ${listed}`),
  );
}

/** Reports a function or connector that does not exist. */
export function reportUnknownFunction(emitter: Emitter, { name, span }: NameTree): void {
  emitter.problems.error(
    span,
    "unknown-function",
    `${JSON.stringify(name)} is neither a function nor a sub-workflow name`,
    suggestOr(name, [...functionNames(), ...emitter.routines.keys()], functionsLike(name)),
  );
}

/** The functions of the module that a name begins with, or the modules that there are. */
function functionsLike(name: string): string {
  const [module = ""] = name.split(".", 1);
  const functions = functionNames();
  const own = functions.filter((known) => known.startsWith(`${module}.`));
  if (name.includes(".") && own.length > 0) return `${module} has ${own.join(", ")}`;
  const modules = functions.filter((known) => known.includes(".")).map((known) => known.split(".", 1)[0]);
  return `modules: ${[...new Set(modules)].join(", ")}; a subworkflow is a routine beside main`;
}

/** A call of a library function as code: pure ones inline, others hoisted into an effect with a hidden result. */
export function applyFunction(
  emitter: Emitter,
  fn: LibraryFunction,
  named: readonly (readonly [NameTree, Code])[],
  span: Span,
): Code {
  checkArguments(
    emitter,
    fn,
    named.map(([name]) => name),
    span,
  );
  if (fn.kind === "pure") {
    const args = fn.params.map(({ name }) => named.find(([given]) => given.name === name)?.[1]);
    return { kind: "apply", fn, args };
  }
  if (/^(?:googleapis|experimental|gke)\./.test(fn.name) && findConnector(fn.name) === undefined) {
    emitter.problems.warn(
      span,
      "unknown-connector",
      `no request is known for ${fn.name}; a run here fails at this step unless a case answers it`,
      `answer it in a case under this name, or call its REST API with http.request`,
    );
  }
  const into: Slot = { hops: 0, slot: hiddenSlot(emitter), name: "" };
  emit(emitter, {
    op: "effect",
    fn,
    args: named.map(([{ name }, code]) => [name, code]),
    into,
    hidden: true,
  });
  return { kind: "slot", ...into };
}

/** Checks the names of arguments against the parameters of a function. */
export function checkArguments(
  emitter: Emitter,
  fn: LibraryFunction,
  given: readonly NameTree[],
  span: Span,
): void {
  const known = fn.params.map(({ name }) => name);
  if (!fn.open) {
    for (const { name, span } of given) {
      if (!known.includes(name))
        emitter.problems.error(
          span,
          "unknown-argument",
          `${fn.name} has no parameter ${JSON.stringify(name)}`,
          suggest(name, known),
        );
    }
  }
  for (const { name, optional } of fn.params) {
    if (!optional && !given.some((argument) => argument.name === name)) {
      emitter.problems.error(
        span,
        "missing-argument",
        `${fn.name} needs the argument ${JSON.stringify(name)}`,
        "add it",
      );
    }
  }
}

/** The arguments of a subworkflow in the order of its parameters. */
export function matchRoutine(
  emitter: Emitter,
  tree: RoutineTree,
  named: readonly (readonly [NameTree, Code])[],
  span: Span,
): (Code | undefined)[] {
  for (const [{ name, span: place }] of named) {
    if (!tree.params.some((param) => param.name === name)) {
      emitter.problems.error(
        place,
        "unknown-argument",
        `${tree.name} has no parameter ${JSON.stringify(name)}`,
        suggest(
          name,
          tree.params.map((param) => param.name),
        ),
      );
    }
  }
  return tree.params.map((param) => {
    const code = named.find(([{ name }]) => name === param.name)?.[1];
    if (code === undefined && param.default === undefined) {
      emitter.problems.error(
        span,
        "missing-argument",
        `${tree.name} needs the argument ${JSON.stringify(param.name)}`,
        "add it, or give the parameter a default",
      );
    }
    return code;
  });
}

/** Arguments without names as arguments with the names of the parameters; a surplus is a problem. */
export function nameArguments<T>(
  emitter: Emitter,
  { name, span }: NameTree,
  values: readonly T[],
): (readonly [NameTree, T])[] {
  const params = emitter.routines.get(name)?.tree.params ?? findFunction(name)?.params;
  if (params !== undefined && values.length > params.length) {
    emitter.problems.error(
      span,
      "argument-count",
      `${name} takes at most ${params.length} arguments, not ${values.length}`,
      params.length === 0
        ? "give its arguments by name"
        : `parameters: ${params.map((param) => param.name).join(", ")}`,
    );
  }
  const count = Math.min(values.length, params?.length ?? 0);
  return values.slice(0, count).map((value, index) => {
    const param = params?.[index]?.name ?? "";
    return [{ name: param, span }, value] as const;
  });
}
