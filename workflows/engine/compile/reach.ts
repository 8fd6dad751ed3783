// Steps that nothing reaches: the step before always goes elsewhere, and no jump of the routine names them. Production deploys
// them, so these are warnings.
import type { ProblemList } from "../parse/problem.ts";
import type { CaseTree, StepTree } from "../parse/tree.ts";
import { nestedLists } from "./blocks.ts";

/** Warns about the steps of a routine that nothing reaches. */
export function warnUnreachable(steps: readonly StepTree[], problems: ProblemList): void {
  const named = new Set(jumpTargets(steps));
  const visit = (list: readonly StepTree[]): void => {
    for (const [index, step] of list.entries()) {
      const before = list[index - 1];
      if (before !== undefined && !goesOn(before) && !step.anonymous && !named.has(step.name)) {
        // Choice: unreachableStep.
        problems.warn(
          step.span,
          "unreachable-step",
          `nothing reaches the step ${JSON.stringify(step.name)}: the one before goes elsewhere, and no jump names it`,
          "jump to it with next, or remove it",
        );
      }
      for (const nested of nestedLists(step)) visit(nested);
    }
  };
  visit(steps);
}

/** The names that the steps jump to, at every level. A jump beside return or raise is none. */
function* jumpTargets(steps: readonly StepTree[]): Generator<string> {
  for (const step of steps) {
    const { action, next } = step;
    if (next !== undefined && action.kind !== "return" && action.kind !== "raise") yield next.name;
    if (action.kind === "switch")
      for (const { next } of action.cases) if (next !== undefined) yield next.name;
    for (const nested of nestedLists(step)) yield* jumpTargets(nested);
  }
}

/** Whether the step after this one may come next. */
function goesOn({ action, next }: StepTree): boolean {
  if (next !== undefined) return false;
  switch (action.kind) {
    case "return":
    case "raise":
      return false;
    case "switch":
      return !action.cases.some(isAlways) || action.cases.some(caseGoesOn);
    case "steps":
      return endGoesOn(action.steps);
    case "try":
      return endGoesOn(action.steps) || (action.except !== undefined && endGoesOn(action.except.steps));
    default:
      return true;
  }
}

function isAlways({ condition }: CaseTree): boolean {
  return condition.kind === "literal" && condition.value === true;
}

function caseGoesOn({ body, next }: CaseTree): boolean {
  return next === undefined && (body === undefined || goesOn(body));
}

function endGoesOn(steps: readonly StepTree[]): boolean {
  const last = steps.at(-1);
  return last === undefined || goesOn(last);
}
