// Lists of steps as jump targets. A jump may go to a step of its own block or of a block around it, within one region:
// the body of a for, a parallel branch and a routine are regions, and no jump crosses their border.
import { CHOICES } from "../choices.ts";
import { suggest } from "../parse/suggest.ts";
import type { ProblemList } from "../parse/problem.ts";
import type { NameTree, StepTree } from "../parse/tree.ts";
import type { Label } from "./program.ts";
import type { Scope } from "./scopes.ts";

/** The border that a jump may not cross. */
export interface Region {
  readonly kind: "routine" | "for" | "parallel-for" | "branch";
  readonly parent: Region | undefined;
  /** Where `continue` and `break` go, for loops, and the scope of the loop's body. */
  readonly next?: Label;
  readonly exit?: Label;
  readonly scope?: Scope;
  /** Try blocks that are open around the region's code, in its own frame. */
  readonly depth: number;
}

/** A list of steps with the labels of its steps. */
export interface Block {
  readonly parent: Block | undefined;
  readonly region: Region;
  readonly depth: number;
  readonly scope: Scope;
  readonly labels: ReadonlyMap<string, Label>;
}

/** Names of all steps of a routine, to tell a forbidden jump from a missing target. */
export type StepNames = ReadonlySet<string>;

/** A block over steps; duplicate names are problems. */
export function openBlock(
  { problems, scope }: { readonly problems: ProblemList; readonly scope: Scope },
  steps: readonly StepTree[],
  place: Pick<Block, "parent" | "region" | "depth">,
): Block {
  const labels = new Map<string, Label>();
  for (const { name, span, anonymous } of steps) {
    if (anonymous) continue;
    if (labels.has(name))
      problems.error(
        span,
        "duplicate-step",
        `the step name ${JSON.stringify(name)} stands twice`,
        "step names are unique in a routine",
      );
    labels.set(name, { pc: -1 });
  }
  return { ...place, scope, labels };
}

/** The names of the steps of a routine at every level; a name that recurs in different blocks is a problem by choice. */
export function collectStepNames(steps: readonly StepTree[], problems: ProblemList): Set<string> {
  const names = new Set<string>();
  const visit = (list: readonly StepTree[]): void => {
    const here = new Set<string>();
    for (const step of list) {
      if (!step.anonymous) {
        if (names.has(step.name) && !here.has(step.name)) {
          const report = CHOICES.duplicateNestedStepName === "error" ? problems.error : problems.warn;
          report(
            step.span,
            "duplicate-nested-step",
            `the step name ${JSON.stringify(step.name)} stands in another block too`,
            "rename one, so that jumps and traces are clear",
          );
        }
        here.add(step.name);
        names.add(step.name);
      }
      for (const nested of nestedLists(step)) visit(nested);
    }
  };
  visit(steps);
  return names;
}

/** The lists of steps directly inside a step. */
export function nestedLists({ action }: StepTree): (readonly StepTree[])[] {
  switch (action.kind) {
    case "steps":
      return [action.steps];
    case "try":
      return action.except === undefined ? [action.steps] : [action.steps, action.except.steps];
    case "for":
      return [action.loop.steps];
    case "parallel":
      return action.loop === undefined
        ? (action.branches ?? []).map(({ steps }) => steps)
        : [action.loop.steps];
    case "switch":
      return action.cases.flatMap(({ body }) => (body === undefined ? [] : [[body]]));
    default:
      return [];
  }
}

/** The label that a step name means from inside a block, with the scope and the open try blocks at the target. */
export function findTarget(
  block: Block,
  target: NameTree,
  names: StepNames,
  problems: ProblemList,
): { label: Label; depth: number; scope: Scope } | undefined {
  for (let at: Block | undefined = block; at !== undefined && at.region === block.region; at = at.parent) {
    const label = at.labels.get(target.name);
    if (label !== undefined) return { label, depth: at.depth, scope: at.scope };
  }
  const quoted = JSON.stringify(target.name);
  if (!names.has(target.name)) {
    problems.error(
      target.span,
      "unknown-step",
      `there is no step ${quoted} in this routine`,
      suggest(target.name, [...names]),
    );
  } else if (isAround(block, target.name)) {
    problems.error(
      target.span,
      "jump-out",
      `the jump to ${quoted} leaves a loop body or parallel branch`,
      "use break or continue, or set a variable and branch after the loop",
    );
  } else {
    // Choice: jumpIntoSteps.
    problems.error(
      target.span,
      "jump-into",
      `the jump to ${quoted} goes into another block`,
      "jump to the step that holds it",
    );
  }
  return undefined;
}

function isAround(block: Block, name: string): boolean {
  for (let at = block.parent; at !== undefined; at = at.parent) if (at.labels.has(name)) return true;
  return false;
}
