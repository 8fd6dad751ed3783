// A workflow as a Mermaid flowchart: one box per routine, jumps as arrows, errors and calls dotted.
import type {
  Expression,
  NameTree,
  RoutineTree,
  StepTree,
  WorkflowTree,
} from "../../workflows/engine/engine.ts";
import { arrow, node, type Shape } from "./mermaid.ts";

/** A way out of a step that has no target yet. */
interface Exit {
  readonly from: string;
  readonly text?: string;
}

interface Scope {
  readonly names: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

interface Drawing {
  readonly lines: string[];
  readonly arrows: string[];
  readonly routine: string;
  readonly routines: ReadonlySet<string>;
  next: number;
}

/** Where `continue` and `break` of the innermost loop lead. */
interface Loop {
  readonly head: string;
  readonly breaks: Exit[];
}

interface Place {
  readonly scope: Scope | undefined;
  readonly loop: Loop | undefined;
}

const startOf = (routine: string): string => `${routine}__start`;
const endOf = (routine: string): string => `${routine}__end`;

function textOf(expression: Expression): string {
  if (expression.kind === "embedded")
    return expression.place.raw
      .trim()
      .replace(/^["']?\$\{\s*/, "")
      .replace(/\s*\}["']?$/, "");
  if (expression.kind === "literal" && typeof expression.value !== "object") return String(expression.value);
  return expression.kind === "list" || expression.kind === "literal" ? "[…]" : "…";
}

const STEP_SHAPES: Readonly<Record<StepTree["action"]["kind"], Shape>> = {
  none: "box",
  assign: "box",
  call: "box",
  switch: "diamond",
  for: "hexagon",
  parallel: "fork",
  try: "round",
  raise: "flag",
  return: "pill",
  steps: "round",
};

/** What a step does, in a few words; its name stands above. */
function detailOf({ action }: StepTree): readonly string[] {
  if (action.kind === "call") return [`call ${action.callee.name}`];
  if (action.kind === "assign")
    return [`assign ${action.assignments.map(({ variable }) => variable.name).join(", ")}`];
  if (action.kind === "return" || action.kind === "raise") return [`${action.kind} ${textOf(action.value)}`];
  const loop = action.kind === "for" || action.kind === "parallel" ? action.loop : undefined;
  if (loop !== undefined)
    return [
      `${action.kind === "for" ? "for" : "parallel for"} ${loop.value.name} in ${textOf(loop.collection)}`,
    ];
  return action.kind === "none" || action.kind === "steps" ? [] : [action.kind];
}

function connect(drawing: Drawing, exits: readonly Exit[], to: string): void {
  for (const { from, text } of exits) drawing.arrows.push(arrow(from, to, text));
}

/** Leads exits to the target of a `next`. */
function jump(drawing: Drawing, { scope, loop }: Place, exits: readonly Exit[], { name }: NameTree): void {
  if (name === "end") return connect(drawing, exits, endOf(drawing.routine));
  if (name === "continue" && loop !== undefined) return connect(drawing, exits, loop.head);
  if (name === "break" && loop !== undefined) return void loop.breaks.push(...exits);
  for (let at = scope; at !== undefined; at = at.outer) {
    const target = at.names.get(name);
    if (target !== undefined) return connect(drawing, exits, target);
  }
}

/** Draws steps one after another, and what leads on from the last. */
function drawSteps(
  drawing: Drawing,
  steps: readonly StepTree[],
  entries: readonly Exit[],
  place: Place,
): readonly Exit[] {
  const ids = steps.map(() => `${drawing.routine}_${drawing.next++}`);
  const names = new Map(
    steps.flatMap(({ name, anonymous }, index) => (anonymous ? [] : [[name, ids[index] as string]])),
  );
  const inner: Place = { ...place, scope: { names, outer: place.scope } };
  let exits = entries;
  for (const [index, step] of steps.entries()) {
    const id = ids[index] as string;
    const title = step.anonymous ? [] : [step.name];
    drawing.lines.push(node(id, STEP_SHAPES[step.action.kind], [...title, ...detailOf(step)]));
    connect(drawing, exits, id);
    exits = drawAction(drawing, step, id, inner);
    if (step.next === undefined) continue;
    jump(drawing, inner, exits, step.next);
    exits = [];
  }
  return exits;
}

function drawAction(drawing: Drawing, { action }: StepTree, id: string, place: Place): readonly Exit[] {
  switch (action.kind) {
    case "return":
    case "raise":
      return [];
    case "call":
      if (drawing.routines.has(action.callee.name))
        drawing.arrows.push(arrow(id, startOf(action.callee.name), "", true));
      return [{ from: id }];
    case "steps":
      return drawSteps(drawing, action.steps, [{ from: id }], place);
    case "switch":
      return drawSwitch(drawing, action, id, place);
    case "for":
      return drawLoop(drawing, action.loop.steps, id, place);
    case "parallel":
      return drawParallel(drawing, action, id, place);
    case "try":
      return drawTry(drawing, action, id, place);
    default:
      return [{ from: id }];
  }
}

type Action<Kind extends StepTree["action"]["kind"]> = Extract<StepTree["action"], { kind: Kind }>;

function drawSwitch(
  drawing: Drawing,
  { cases }: Action<"switch">,
  id: string,
  place: Place,
): readonly Exit[] {
  const exits: Exit[] = [];
  let always = false;
  for (const { condition, body, next } of cases) {
    const text = textOf(condition);
    always ||= text === "true";
    const entry: readonly Exit[] = [{ from: id, text }];
    const after = body === undefined ? entry : drawSteps(drawing, [body], entry, place);
    if (next === undefined) exits.push(...after);
    else jump(drawing, place, after, next);
  }
  return always ? exits : [...exits, { from: id, text: "else" }];
}

function drawLoop(drawing: Drawing, steps: readonly StepTree[], id: string, place: Place): readonly Exit[] {
  const loop: Loop = { head: id, breaks: [] };
  connect(drawing, drawSteps(drawing, steps, [{ from: id, text: "each" }], { ...place, loop }), id);
  return [{ from: id, text: "done" }, ...loop.breaks];
}

function drawParallel(
  drawing: Drawing,
  action: Action<"parallel">,
  id: string,
  place: Place,
): readonly Exit[] {
  const join = `${id}_join`;
  drawing.lines.push(node(join, "fork", ["all done"]));
  const inner: Place = { ...place, loop: { head: join, breaks: [] } };
  if (action.loop !== undefined)
    connect(drawing, drawSteps(drawing, action.loop.steps, [{ from: id, text: "each" }], inner), join);
  for (const { name, steps } of action.branches ?? [])
    connect(drawing, drawSteps(drawing, steps, [{ from: id, text: name.name }], inner), join);
  return [{ from: join }];
}

function drawTry(
  drawing: Drawing,
  { steps, retry, except }: Action<"try">,
  id: string,
  place: Place,
): readonly Exit[] {
  const exits = drawSteps(drawing, steps, [{ from: id }], place);
  if (retry !== undefined) {
    const how = retry.named ?? retry.predicate;
    drawing.arrows.push(arrow(id, id, `retry${how === undefined ? "" : `: ${textOf(how)}`}`, true));
  }
  if (except === undefined) return exits;
  const handler = `${id}_except`;
  drawing.lines.push(
    node(handler, "round", [`except${except.as === undefined ? "" : ` ${except.as.name}`}`]),
  );
  drawing.arrows.push(arrow(id, handler, "error", true));
  return [...exits, ...drawSteps(drawing, except.steps, [{ from: handler }], place)];
}

function drawRoutine(routine: RoutineTree, routines: ReadonlySet<string>): readonly string[] {
  const { name, params, steps } = routine;
  const drawing: Drawing = { lines: [], arrows: [], routine: name, routines, next: 1 };
  const [start, end] = [startOf(name), endOf(name)];
  drawing.lines.push(node(start, "pill", [`${name}(${params.map((param) => param.name).join(", ")})`]));
  const exits = drawSteps(drawing, steps, [{ from: start }], { scope: undefined, loop: undefined });
  connect(drawing, exits, end);
  if (drawing.arrows.some((line) => line.endsWith(` ${end}`))) drawing.lines.push(node(end, "pill", ["end"]));
  const inside = [...drawing.lines, ...drawing.arrows].map((line) => `    ${line}`);
  return [`  subgraph ${name}__routine["${name}"]`, ...inside, "  end"];
}

/** The flowchart of a workflow, ending in a line break. */
export function mermaidOf({ routines }: WorkflowTree): string {
  const names = new Set(routines.map(({ name }) => name));
  return `${["flowchart TD", ...routines.flatMap((routine) => drawRoutine(routine, names))].join("\n")}\n`;
}
