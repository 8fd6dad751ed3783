// try, retry and except. An error cuts the block stack back to the try and goes to its handler.
import { dottedName, type Expression, type Span } from "../expressions/expression.ts";
import { findFunction } from "../library/library.ts";
import { RETRY_POLICIES } from "../library/retry.ts";
import type { ActionTree, RetryTree } from "../parse/tree.ts";
import type { Block } from "./blocks.ts";
import { emit, hiddenSlot, newLabel, place, within, type EmitSteps, type Emitter } from "./emitter.ts";
import { lower } from "./lower.ts";
import type { Code, Label, RetryCode, Slot } from "./program.ts";
import { declare, declareAssigned, namedSlots, openScope } from "./scopes.ts";

type TryTree = ActionTree & { kind: "try" };

/** Emits try; body; then the handler: retry, except, or on to the next handler. */
export function emitTry(emitter: Emitter, tree: TryTree, block: Block, emitSteps: EmitSteps): void {
  const [handler, body, end] = [newLabel(), newLabel(), newLabel()];
  const depth = block.depth + 1;
  emit(emitter, { op: "try", handler });
  place(emitter, body);
  emit(emitter, { op: "count" });
  const { layout } = emitter.scope;
  const first = layout.names.length;
  emitSteps(emitter, tree.steps, block, block.region, depth);
  emit(emitter, { op: "try-end", to: end });
  place(emitter, handler);
  emit(emitter, { op: "caught", leaving: { slots: namedSlots(layout, first) } });
  if (tree.retry !== undefined) emitRetry(emitter, tree.retry, body);
  if (tree.except === undefined) emit(emitter, { op: "rethrow" });
  else {
    const { as, steps } = tree.except;
    const scope = openScope(emitter.scope, emitter.scope.layout);
    const into: Slot | undefined =
      as === undefined ? undefined : { hops: 0, slot: declare(scope, as.name), name: as.name };
    const locals = declareAssigned(scope, steps);
    emit(emitter, { op: "except", into, locals });
    within(emitter, scope, () => emitSteps(emitter, steps, block, block.region, depth));
    emit(emitter, { op: "except-end", to: end, leaving: scope.extent });
  }
  place(emitter, end);
}

interface Predicate {
  readonly builtin: string | undefined;
  readonly routine: number | undefined;
}

function emitRetry(emitter: Emitter, retry: RetryTree, body: Label): void {
  const giveUp = newLabel();
  const { predicate, maxRetries, backoff, fixed } = planOf(emitter, retry);
  const errorInto: Slot | undefined =
    predicate.routine === undefined ? undefined : { hops: 0, slot: hiddenSlot(emitter), name: "" };
  const code: RetryCode = {
    builtin: predicate.builtin,
    maxRetries,
    backoff,
    defaults: { maxRetries: fixed },
  };
  emit(emitter, { op: "retry-plan", retry: code, giveUp, errorInto });
  let answer: Code | undefined;
  if (predicate.routine !== undefined && errorInto !== undefined) {
    const into: Slot = { hops: 0, slot: hiddenSlot(emitter), name: "" };
    emit(emitter, {
      op: "call",
      routine: predicate.routine,
      args: [{ kind: "slot", ...errorInto }],
      into,
      hidden: false,
    });
    answer = { kind: "slot", ...into };
  }
  emit(emitter, { op: "retry-decide", retry: code, answer, body });
  place(emitter, giveUp);
}

function planOf(
  emitter: Emitter,
  retry: RetryTree,
): {
  predicate: Predicate;
  maxRetries: Code | undefined;
  backoff: Code | undefined;
  fixed: bigint | undefined;
} {
  if (retry.named !== undefined) {
    const name = policyName(retry.named);
    const policy = name === undefined ? undefined : RETRY_POLICIES.get(name);
    if (policy === undefined || !("predicate" in policy)) {
      emitter.problems.error(
        spanOf(retry.named, retry.span),
        "retry-policy",
        `${name ?? "this expression"} is no retry policy`,
        "use ${http.default_retry}, ${http.default_retry_non_idempotent}, or a map",
      );
      return {
        predicate: { builtin: "retry.never", routine: undefined },
        maxRetries: undefined,
        backoff: undefined,
        fixed: 0n,
      };
    }
    return {
      predicate: { builtin: policy.predicate, routine: undefined },
      maxRetries: undefined,
      backoff: undefined,
      fixed: policy.maxRetries,
    };
  }
  const backoffName = retry.backoff === undefined ? undefined : policyName(retry.backoff);
  const named = backoffName === "retry.default_backoff";
  return {
    predicate: predicateOf(emitter, retry),
    maxRetries: retry.maxRetries === undefined ? undefined : lower(emitter, retry.maxRetries),
    backoff: retry.backoff === undefined || named ? undefined : lower(emitter, retry.backoff),
    fixed: undefined,
  };
}

function predicateOf(emitter: Emitter, { predicate, span }: RetryTree): Predicate {
  if (predicate === undefined) return { builtin: undefined, routine: undefined };
  const name = policyName(predicate);
  const where = spanOf(predicate, span);
  const routine = name === undefined ? undefined : emitter.routines.get(name);
  if (routine !== undefined) {
    const required = routine.tree.params.filter((param) => param.default === undefined);
    if (routine.tree.params.length === 0 || required.length > 1) {
      emitter.problems.error(
        where,
        "predicate-params",
        `the predicate ${name} must take exactly one parameter, the error`,
        "give it one parameter",
      );
    }
    return { builtin: undefined, routine: routine.index };
  }
  if (name !== undefined && findFunction(name)?.kind === "pure" && /retry/.test(name))
    return { builtin: name, routine: undefined };
  emitter.problems.error(
    where,
    "retry-predicate",
    `${name ?? "this expression"} is no predicate`,
    "use ${http.default_retry_predicate} or the name of a subworkflow",
  );
  return { builtin: "retry.never", routine: undefined };
}

function policyName(expression: Expression): string | undefined {
  return expression.kind === "embedded" ? dottedName(expression.expression) : undefined;
}

function spanOf(expression: Expression, span: Span): Span {
  return expression.kind === "embedded" ? expression.place.span : span;
}
