// What a plan would do, for people: one line a resource, counts, outputs; sensitive values never leave here.
import type { PlanChange, PlanJson } from "./plan-json.ts";
import { replaceSecrets, sensitiveTexts } from "./plan-secrets.ts";
import { markedValues, memberPath, overlayMarked, replaceMarked } from "./plan-values.ts";

/** Changes that are listed one by one. */
export const CHANGES_MAX = 200;
/** Attributes that are listed for one change. */
export const DETAILS_MAX = 20;
/** Characters of one value. */
const VALUE_LENGTH_MAX = 100;

/** What happens to a resource. */
export type PlanAction = "create" | "update" | "replace" | "delete" | "read";

/** Counts by action. */
export type PlanCounts = Readonly<Record<PlanAction, number>>;

/** One resource that changes. */
export interface PlannedChange {
  readonly address: string;
  readonly action: PlanAction;
  readonly details: readonly string[];
}

/** A plan in short. */
export interface PlanSummary {
  readonly counts: PlanCounts;
  readonly changes: readonly PlannedChange[];
  readonly changesTruncated: boolean;
  /** Names of the outputs that change, sorted. */
  readonly outputsChanged: readonly string[];
  /** Whether anything is deleted or replaced: such plans always wait for a person. */
  readonly destroys: boolean;
}

const ACTIONS: Readonly<Record<string, PlanAction | undefined>> = {
  "no-op": undefined,
  create: "create",
  read: "read",
  update: "update",
  delete: "delete",
  "delete,create": "replace",
  "create,delete": "replace",
};

/** The action; one that is not known here counts as a delete, so that it waits for a person. */
function actionOf(actions: readonly string[]): PlanAction | undefined {
  const key = actions.join();
  return Object.hasOwn(ACTIONS, key) ? ACTIONS[key] : "delete";
}

/** Stand for values that are not shown. Symbols, so that no value of a plan can be taken for one. */
const SENSITIVE = Symbol("(sensitive)");
const UNKNOWN = Symbol("(known after apply)");

function show(value: unknown): string {
  if (typeof value === "symbol") return value.description ?? "";
  if (value === undefined || value === null) return "none";
  const text = JSON.stringify(value) ?? "none";
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

/** Path → value; placeholders are leaves. */
function flat(value: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const walk = (item: unknown, path: string): void => {
    if (typeof item !== "object" || item === null) {
      if (item !== null && item !== undefined) found.set(path, item);
      return;
    }
    if (Object.keys(item).length === 0) found.set(path, item);
    for (const [key, member] of Object.entries(item)) {
      walk(member, memberPath(path, Array.isArray(item) ? Number(key) : key));
    }
  };
  walk(value, "");
  return found;
}

/** `size: 2 → 3` for each attribute that changes. */
function details(change: PlanChange, action: PlanAction, secrets: readonly string[]): readonly string[] {
  const actions = change.actions.join();
  if (!Object.hasOwn(ACTIONS, actions)) return [`Terraform calls this ${actions.replaceAll(",", " then ")}`];
  if (action === "delete") return [];
  const hide = (value: unknown, marks: unknown): unknown =>
    replaceMarked(
      replaceSecrets(value ?? null, secrets, () => SENSITIVE),
      marks,
      () => SENSITIVE,
    );
  const before = flat(hide(change.before, change.before_sensitive));
  // What is not known yet has no value in `after`, so it is laid over it last.
  const after = flat(
    overlayMarked(hide(change.after, change.after_sensitive), change.after_unknown, UNKNOWN),
  );
  const hiddenBefore = JSON.stringify(markedValues(change.before ?? null, change.before_sensitive));
  const hiddenAfter = JSON.stringify(markedValues(change.after ?? null, change.after_sensitive));
  const forcing = new Set((change.replace_paths ?? []).map((path) => String(path[0])));
  const lines: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [was, is] = [before.get(path), after.get(path)];
    const hidden = was === SENSITIVE && is === SENSITIVE;
    if (
      hidden
        ? hiddenBefore === hiddenAfter
        : show(was) === show(is) && JSON.stringify(was) === JSON.stringify(is)
    ) {
      continue;
    }
    const why = forcing.has(path.split(/[.[]/, 1)[0] ?? "") ? " (forces replacement)" : "";
    const value = action === "create" || action === "read" ? show(is) : `${show(was)} → ${show(is)}`;
    lines.push(`${path === "" ? "value" : path}: ${hidden ? "(sensitive, changes)" : value}${why}`);
  }
  if (lines.length <= DETAILS_MAX) return lines;
  return [...lines.slice(0, DETAILS_MAX - 1), `… and ${lines.length - DETAILS_MAX + 1} more attributes`];
}

/** Reads a plan. Deletes and replaces come first, so that a cut list never hides them. */
export function readPlan(plan: PlanJson): PlanSummary {
  const secrets = sensitiveTexts(plan);
  const counts = { create: 0, update: 0, replace: 0, delete: 0, read: 0 };
  const order: readonly PlanAction[] = ["delete", "replace", "update", "create", "read"];
  const all = (plan.resource_changes ?? []).flatMap(({ address, deposed, change }) => {
    const action = actionOf(change.actions);
    if (action === undefined) return [];
    counts[action] += 1;
    const name = deposed === undefined ? address : `${address} (deposed ${deposed})`;
    return [{ address: name, action, change }];
  });
  const sorted = all.toSorted((one, other) => order.indexOf(one.action) - order.indexOf(other.action));
  const changes = sorted
    .slice(0, CHANGES_MAX)
    .map(({ address, action, change }) => ({ address, action, details: details(change, action, secrets) }));
  const outputs = Object.entries(plan.output_changes ?? {}).filter(
    ([, { actions }]) => actions.join() !== "no-op",
  );
  return {
    counts,
    changes,
    changesTruncated: all.length > CHANGES_MAX,
    outputsChanged: outputs.map(([name]) => name).sort(),
    destroys: counts.delete + counts.replace > 0,
  };
}
