// The syntax tree of a workflow: what the file says, with spans, before names are resolved.
import type { Expression, Span } from "../expressions/expression.ts";
import type { Value } from "../values/value.ts";

/** A whole file: `main` and its subworkflows, in the order of the source. */
export interface WorkflowTree {
  readonly routines: readonly RoutineTree[];
}

/** A routine: `main` or a subworkflow. */
export interface RoutineTree {
  readonly name: string;
  readonly span: Span;
  readonly params: readonly ParamTree[];
  readonly steps: readonly StepTree[];
}

/** A parameter; without a default it must be given. */
export interface ParamTree {
  readonly name: string;
  readonly span: Span;
  readonly default?: Value;
}

/** A name in the source, such as a variable or the target of a jump. */
export interface NameTree {
  readonly name: string;
  readonly span: Span;
}

/** A step. The body of a switch case or of a bare try has `anonymous` and carries the name of the step around it. */
export interface StepTree {
  readonly name: string;
  readonly span: Span;
  readonly anonymous: boolean;
  readonly action: ActionTree;
  readonly next?: NameTree;
}

/** One entry of an assign step: a variable with a path into it, and the value. */
export interface AssignmentTree {
  readonly variable: NameTree;
  readonly path: readonly Expression[];
  readonly value: Expression;
}

/** A case of a switch. */
export interface CaseTree {
  readonly span: Span;
  readonly condition: Expression;
  readonly body?: StepTree;
  readonly next?: NameTree;
}

/** What a for goes over and the steps of one iteration. */
export interface LoopTree {
  readonly span: Span;
  readonly value: NameTree;
  readonly index?: NameTree;
  readonly over: "in" | "range";
  readonly collection: Expression;
  readonly steps: readonly StepTree[];
}

/** A retry policy: `named` when it is one expression such as `${http.default_retry}`. */
export interface RetryTree {
  readonly span: Span;
  readonly named?: Expression;
  readonly predicate?: Expression;
  readonly maxRetries?: Expression;
  readonly backoff?: Expression;
}

/** What a step does. */
export type ActionTree =
  | { readonly kind: "none" }
  | { readonly kind: "assign"; readonly assignments: readonly AssignmentTree[] }
  | {
      readonly kind: "call";
      readonly callee: NameTree;
      readonly args: readonly (readonly [NameTree, Expression])[];
      /** Arguments without names, in the order of the parameters. */
      readonly positional?: readonly Expression[];
      readonly result?: NameTree;
    }
  | { readonly kind: "switch"; readonly cases: readonly CaseTree[] }
  | { readonly kind: "for"; readonly loop: LoopTree }
  | {
      readonly kind: "parallel";
      readonly span: Span;
      readonly shared: readonly NameTree[];
      readonly limit?: Expression;
      readonly branches?: readonly { readonly name: NameTree; readonly steps: readonly StepTree[] }[];
      readonly loop?: LoopTree;
    }
  | {
      readonly kind: "try";
      readonly steps: readonly StepTree[];
      readonly retry?: RetryTree;
      readonly except?: { readonly as?: NameTree; readonly steps: readonly StepTree[] };
    }
  | { readonly kind: "raise"; readonly value: Expression }
  | { readonly kind: "return"; readonly value: Expression }
  | { readonly kind: "steps"; readonly steps: readonly StepTree[] };
