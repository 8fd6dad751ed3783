// The syntax tree of a file for tools that draw or transform workflows instead of running them.
import { createProblemList, type Problem } from "./problem.ts";
import type { WorkflowTree } from "./tree.ts";
import { parseWorkflow } from "./workflow.ts";

/** Parses a source without resolving names; the tree is undefined when the text has no shape at all. */
export function parseTree(
  source: string,
  { file }: { readonly file: string },
): { readonly tree: WorkflowTree | undefined; readonly problems: readonly Problem[] } {
  const list = createProblemList(file);
  const tree = parseWorkflow(source, list);
  return { tree, problems: list.problems };
}
