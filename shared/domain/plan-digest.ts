// What a plan means, apart from when and where it was made: the canonical plan, its digest, and what differs between two.
import { createHash, createHmac } from "node:crypto";
import canonicalize from "canonicalize";
import type { PlanChange, PlanJson } from "./plan-json.ts";
import { replaceSecrets, sensitiveTexts } from "./plan-secrets.ts";
import { leaves, replaceMarked } from "./plan-values.ts";
import { compareBytes } from "./terraform-files.ts";

/** Lines of a difference that are shown. */
export const DIFFERENCE_LINES_MAX = 200;
/** Characters of one value in a difference. */
const VALUE_LENGTH_MAX = 120;

/** The installation's key for values that may not be shown but must be compared. */
export interface PlanKey {
  /** Stands in the digest: digests under different keys do not compare. */
  readonly id: string;
  readonly secret: string;
}

/** One change without what says nothing about its meaning; sensitive values are keyed hashes. */
export interface CanonicalChange {
  readonly actions: readonly string[];
  readonly before: unknown;
  readonly after: unknown;
  readonly after_unknown: unknown;
}

/** The fields that a digest is of. */
export interface CanonicalPlan {
  readonly terraform_version: string;
  readonly resource_changes: readonly {
    readonly address: string;
    readonly mode: string;
    readonly type: string;
    readonly provider_name: string;
    readonly change: CanonicalChange;
  }[];
  readonly output_changes: Readonly<Record<string, CanonicalChange>>;
}

/** RFC 8785 text of a JSON value. */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error("Only JSON values have a canonical form.");
  return text;
}

function canonicalChange(change: PlanChange, key: PlanKey, secrets: readonly string[]): CanonicalChange {
  const hash = (value: unknown) => ({
    sensitive: createHmac("sha256", key.secret)
      .update(canonicalText(value ?? null))
      .digest("hex"),
  });
  const hide = (value: unknown, marks: unknown): unknown =>
    // First what is marked, then the copies that are not; a keyed hash holds no secret.
    replaceSecrets(replaceMarked(value ?? null, marks, hash), secrets, hash);
  return {
    actions: change.actions,
    before: hide(change.before, change.before_sensitive),
    after: hide(change.after, change.after_sensitive),
    after_unknown: change.after_unknown ?? null,
  };
}

/** Keeps what a plan means: no times, no order, no relevant attributes, no sensitive values. */
export function canonicalPlan(plan: PlanJson, key: PlanKey): CanonicalPlan {
  const secrets = sensitiveTexts(plan);
  const changes = (plan.resource_changes ?? []).map(({ address, mode, type, provider_name, change }) => {
    const kept = { address, mode, type, provider_name, change: canonicalChange(change, key, secrets) };
    return { kept, text: canonicalText(kept) };
  });
  const sorted = changes.toSorted(
    (one, other) => compareBytes(one.kept.address, other.kept.address) || compareBytes(one.text, other.text),
  );
  const outputs = Object.entries(plan.output_changes ?? {});
  return {
    terraform_version: plan.terraform_version,
    resource_changes: sorted.map(({ kept }) => kept),
    output_changes: Object.fromEntries(
      outputs.map(([name, change]) => [name, canonicalChange(change, key, secrets)]),
    ),
  };
}

/** `plan-sha256:<keyId>:<hex>`: SHA-256 of the RFC 8785 JSON of the canonical plan. */
export function planDigest(plan: CanonicalPlan, keyId: string): string {
  return `plan-sha256:${keyId}:${createHash("sha256").update(canonicalText(plan)).digest("hex")}`;
}

/** What differs between two plans, for a person. */
export interface PlanDifference {
  readonly same: boolean;
  /** At most DIFFERENCE_LINES_MAX; the last one says so when there are more. */
  readonly lines: readonly string[];
}

/** A value in one line; a keyed hash says only that it is there. */
function show(value: unknown): string {
  if (value === undefined) return "absent";
  const text = canonicalText(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

/** `before.size` → value, for all parts of a change; keyed hashes stay whole. */
function parts(change: CanonicalChange): ReadonlyMap<string, unknown> {
  const { before, after, after_unknown: unknown } = change;
  return new Map(
    Object.entries({ before, after, "known after apply": unknown }).flatMap(([side, value]) =>
      leaves(value).map((leaf) => [leaf.path === "" ? side : `${side} ${leaf.path}`, leaf.value] as const),
    ),
  );
}

function changeDifference(name: string, one: CanonicalChange, other: CanonicalChange): readonly string[] {
  const lines: string[] = [];
  const [was, is] = [one.actions.join(" then "), other.actions.join(" then ")];
  if (was !== is) lines.push(`${name}: was ${was}, is now ${is}`);
  const [reviewed, current] = [parts(one), parts(other)];
  for (const path of new Set([...reviewed.keys(), ...current.keys()])) {
    const [before, after] = [reviewed.get(path), current.get(path)];
    if (show(before) === show(after) && canonicalText(before ?? null) === canonicalText(after ?? null))
      continue;
    const hidden = path.endsWith(".sensitive") || path.endsWith(" sensitive");
    lines.push(
      hidden
        ? `${name}: ${path} has another value`
        : `${name}: ${path} was ${show(before)}, is now ${show(after)}`,
    );
  }
  return lines;
}

/** Changes by address; a second object under one address (a deposed one) has its number behind it. */
function byAddress(plan: CanonicalPlan): ReadonlyMap<string, CanonicalChange> {
  const found = new Map<string, CanonicalChange>();
  for (const { address, change } of plan.resource_changes) {
    let name = address;
    for (let count = 2; found.has(name); count += 1) name = `${address} (${count})`;
    found.set(name, change);
  }
  for (const [name, change] of Object.entries(plan.output_changes)) found.set(`output ${name}`, change);
  return found;
}

/** The difference of two differences: what the second plan would do otherwise than the reviewed one. */
export function planDifference(reviewed: CanonicalPlan, current: CanonicalPlan): PlanDifference {
  const [one, other] = [byAddress(reviewed), byAddress(current)];
  const lines: string[] = [];
  if (reviewed.terraform_version !== current.terraform_version) {
    lines.push(`Terraform was ${reviewed.terraform_version}, is now ${current.terraform_version}`);
  }
  for (const name of [...new Set([...one.keys(), ...other.keys()])].sort(compareBytes)) {
    const [before, after] = [one.get(name), other.get(name)];
    if (before === undefined && after !== undefined)
      lines.push(`${name}: ${after.actions.join(" then ")} is new`);
    else if (after === undefined && before !== undefined)
      lines.push(`${name}: ${before.actions.join(" then ")} is gone`);
    else if (before !== undefined && after !== undefined)
      lines.push(...changeDifference(name, before, after));
  }
  const same = canonicalText(reviewed) === canonicalText(current);
  if (lines.length <= DIFFERENCE_LINES_MAX) return { same, lines };
  const rest = lines.length - DIFFERENCE_LINES_MAX + 1;
  return { same, lines: [...lines.slice(0, DIFFERENCE_LINES_MAX - 1), `… and ${rest} more differences`] };
}
