// Comparing JSON values: whole, or only the parts that an expectation names.

/** Whether two JSON values are the same; the order of keys does not count. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => sameValue(item, other[index]));
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameValue(one[key], other[key]))
  );
}

/** Whether a value has everything that a part names: maps may have more keys, lists and scalars must be the same. */
export function hasParts(value: unknown, part: unknown): boolean {
  if (!isRecord(part)) return sameValue(value, part);
  if (!isRecord(value)) return false;
  return Object.entries(part).every(([key, item]) => Object.hasOwn(value, key) && hasParts(value[key], item));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
