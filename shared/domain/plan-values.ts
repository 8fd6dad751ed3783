// Walking the values of a plan together with the marks that say which of them are sensitive or not known yet.

/** A value at the end of a path, such as `tags.env` or `rules[0].port`. */
export interface PlanLeaf {
  readonly path: string;
  readonly value: unknown;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The mark of a member: `true` marks everything below. */
function markOf(mark: unknown, key: string | number): unknown {
  if (mark === true) return true;
  if (Array.isArray(mark) && typeof key === "number") return mark[key] as unknown;
  return isRecord(mark) && Object.hasOwn(mark, key) ? mark[key] : undefined;
}

/** The value with everything that is marked put through `replace`; the rest as it is. */
export function replaceMarked(value: unknown, mark: unknown, replace: (marked: unknown) => unknown): unknown {
  if (mark === true) return replace(value);
  if (Array.isArray(value))
    return value.map((item, index) => replaceMarked(item, markOf(mark, index), replace));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceMarked(item, markOf(mark, key), replace)]),
  );
}

/** Everything that is marked in the value, for redaction elsewhere. */
export function markedValues(value: unknown, mark: unknown): readonly unknown[] {
  const found: unknown[] = [];
  replaceMarked(value, mark, (marked) => found.push(marked));
  return found;
}

/** Lays marked places that the value does not have over it: what is not known yet has no value in `after`. */
export function overlayMarked(value: unknown, mark: unknown, placeholder: unknown): unknown {
  if (mark === true) return placeholder;
  if (Array.isArray(mark)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    const length = Math.max(items.length, mark.length);
    return Array.from({ length }, (_, index) =>
      overlayMarked(items[index], markOf(mark, index), placeholder),
    );
  }
  if (!isRecord(mark)) return value;
  const known = isRecord(value) ? value : {};
  const merged = Object.keys(mark).map(
    (key) => [key, overlayMarked(known[key], mark[key], placeholder)] as const,
  );
  return merged.length === 0
    ? value
    : { ...known, ...Object.fromEntries(merged.filter(([, item]) => item !== undefined)) };
}

const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/**
 * The path of a member as Terraform writes it: `tags.env`, `rules[0]`, and `tags["a.b"]` for a key that is no identifier,
 * so that no two members have the same path.
 */
export function memberPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!IDENTIFIER.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The ends of all paths below a value; empty lists and objects are ends of their own. */
export function leaves(value: unknown, path = ""): readonly PlanLeaf[] {
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [memberPath(path, index), item])
    : isRecord(value)
      ? Object.entries(value).map(([key, item]) => [memberPath(path, key), item])
      : [];
  return entries.length === 0 ? [{ path, value }] : entries.flatMap(([at, item]) => leaves(item, at));
}
