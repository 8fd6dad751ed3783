// The compiled form of a workflow: flat instructions per routine, variables as slots, jumps as labels.
// A program is immutable and never serialised: a machine refers to it by routine, program counter and slot alone.
import type { BinaryOperator, Span } from "../expressions/expression.ts";
import type { LibraryFunction } from "../library/library-function.ts";
import type { Problem } from "../parse/problem.ts";
import type { Value } from "../values/value.ts";
import type { Extent } from "./scopes.ts";

/** A place in the code, known once everything is emitted. */
export interface Label {
  pc: number;
}

/** A variable: `hops` frames outward (a parallel branch has a frame of its own), then a slot. */
export interface Slot {
  readonly hops: number;
  readonly slot: number;
  readonly name: string;
}

/** A resolved expression: names are slots, calls are pure library functions. */
export type Code =
  | { readonly kind: "literal"; readonly value: Value }
  | ({ readonly kind: "slot" } & Slot)
  | { readonly kind: "list"; readonly items: readonly Code[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [key: Code, value: Code])[] }
  | { readonly kind: "member"; readonly object: Code; readonly key: string }
  | { readonly kind: "index"; readonly object: Code; readonly index: Code }
  | { readonly kind: "unary"; readonly operator: "-" | "not"; readonly operand: Code }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Code; readonly right: Code }
  | { readonly kind: "logical"; readonly operator: "and" | "or"; readonly left: Code; readonly right: Code }
  | { readonly kind: "apply"; readonly fn: LibraryFunction; readonly args: readonly (Code | undefined)[] };

/** What a sequential or parallel for goes over. */
export interface LoopCode {
  readonly over: "in" | "range";
  readonly collection: Code;
  readonly value: Slot;
  readonly index: Slot | undefined;
}

/** How a retry decides: a built-in predicate by name, or a subworkflow called before. */
export interface RetryCode {
  /** A built-in predicate; undefined when a subworkflow decides (its answer is in `answer`). */
  readonly builtin: string | undefined;
  readonly maxRetries: Code | undefined;
  readonly backoff: Code | undefined;
  /** Values of the named policy, used where the two above are undefined. */
  readonly defaults: { readonly maxRetries: bigint | undefined };
}

/** One instruction; `step` is an index into `Program.steps`. */
export type Instruction = { readonly step: number } & (
  | { readonly op: "enter" }
  | { readonly op: "assign"; readonly target: Slot; readonly path: readonly Code[]; readonly value: Code }
  | { readonly op: "hold"; readonly slot: number; readonly value: Code }
  | { readonly op: "evaluate"; readonly value: Code }
  | { readonly op: "count" }
  | {
      readonly op: "call";
      readonly routine: number;
      readonly args: readonly (Code | undefined)[];
      readonly into: Slot | undefined;
      readonly hidden: boolean;
    }
  | {
      readonly op: "effect";
      readonly fn: LibraryFunction;
      readonly args: readonly (readonly [string, Code])[];
      readonly into: Slot | undefined;
      readonly hidden: boolean;
    }
  | {
      readonly op: "jump";
      readonly to: Label;
      readonly depth: number;
      readonly counted: boolean;
      readonly leaving: Extent | undefined;
    }
  | {
      readonly op: "unless";
      readonly condition: Code;
      readonly to: Label;
      readonly use: "switch" | "and" | "or";
      readonly branch: number;
    }
  | { readonly op: "for-start"; readonly state: number; readonly loop: LoopCode }
  | {
      readonly op: "for-next";
      readonly state: number;
      readonly loop: LoopCode;
      readonly locals: readonly number[];
      readonly exit: Label;
    }
  | { readonly op: "try"; readonly handler: Label }
  | { readonly op: "try-end"; readonly to: Label }
  | { readonly op: "caught"; readonly leaving: Extent }
  | {
      readonly op: "retry-plan";
      readonly retry: RetryCode;
      readonly giveUp: Label;
      readonly errorInto: Slot | undefined;
    }
  | {
      readonly op: "retry-decide";
      readonly retry: RetryCode;
      readonly answer: Code | undefined;
      readonly body: Label;
    }
  | { readonly op: "except"; readonly into: Slot | undefined; readonly locals: readonly number[] }
  | { readonly op: "except-end"; readonly to: Label; readonly leaving: Extent }
  | { readonly op: "rethrow" }
  | { readonly op: "raise"; readonly value: Code }
  | { readonly op: "return"; readonly value: Code; readonly implicit: boolean }
  | ParallelInstruction
  | { readonly op: "branch-end" }
);

/** Starts threads: one per branch, or one per item of a loop. */
export interface ParallelInstruction {
  readonly op: "parallel";
  readonly branches: readonly { readonly id: string; readonly start: Label }[];
  readonly loop: LoopCode | undefined;
  readonly start: Label;
  readonly limit: Code | undefined;
  readonly end: Label;
}

/** What a step is, for stack traces, accounting, coverage and graphs. */
export interface StepInfo {
  readonly name: string;
  readonly routine: string;
  readonly span: Span;
  readonly anonymous: boolean;
  readonly kind:
    | "none"
    | "assign"
    | "call"
    | "switch"
    | "for"
    | "parallel"
    | "try"
    | "raise"
    | "return"
    | "steps";
}

/** A branch that coverage watches: a case of a switch, its "no case" exit, an except or a retry. */
export interface BranchInfo {
  readonly step: number;
  readonly kind: "case" | "no-case" | "except" | "retry";
  readonly ordinal: number;
}

/** A compiled routine. */
export interface Routine {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly default?: Value }[];
  readonly code: readonly Instruction[];
  /** The names of the slots of the routine's own frame; hidden slots have none. */
  readonly slotNames: readonly string[];
}

/** A program that checks; `main` is routine 0. */
export interface Program {
  readonly file: string;
  /** sha256 of the source, hex. */
  readonly revision: string;
  readonly routines: readonly Routine[];
  readonly steps: readonly StepInfo[];
  readonly warnings: readonly Problem[];
}
