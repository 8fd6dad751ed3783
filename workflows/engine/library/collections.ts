// list.* and map.*: each answers a new value and leaves its argument as it is.
import { isList, isMap, noteDerivedSize, sizeInBytes, type Value, type ValueMap } from "../values/value.ts";
import { asList, asMap, asString, pure, tableOf } from "./library-function.ts";

function grown(before: readonly Value[], after: readonly Value[], value: Value): readonly Value[] {
  noteDerivedSize(after, before, sizeInBytes(value));
  return after;
}

const LISTS = [
  pure("list.concat", "objs val", ([objs, value]) => {
    const before = asList(objs, "objs");
    return grown(before, [...before, value as Value], value as Value);
  }),
  pure("list.prepend", "objs val", ([objs, value]) => {
    const before = asList(objs, "objs");
    return grown(before, [value as Value, ...before], value as Value);
  }),
];

/** The value at a key or along a list of keys; null where a key is missing or something on the way is no map. */
function getPath(map: Value, keys: Value): Value {
  const names = (isList(keys) ? keys : [keys]).map((key) => asString(key, "the key of map.get"));
  let at = map;
  for (const name of names) at = isMap(at) ? (at.get(name) ?? null) : null;
  return at;
}

function merge(first: ValueMap, second: ValueMap, nested: boolean): ValueMap {
  const merged = new Map(first);
  for (const [key, value] of second) {
    const before = merged.get(key);
    merged.set(key, nested && isMap(before) && isMap(value) ? merge(before, value, true) : value);
  }
  return merged;
}

const MAPS = [
  pure("map.get", "map keys", ([source, keys]) => getPath(source as Value, keys as Value)),
  pure("map.delete", "map key", ([source, key]) => {
    const copy = new Map(asMap(source, "map"));
    copy.delete(asString(key, "key"));
    return copy;
  }),
  pure("map.merge", "first second", ([first, second]) =>
    merge(asMap(first, "first"), asMap(second, "second"), false),
  ),
  pure("map.merge_nested", "first second", ([first, second]) =>
    merge(asMap(first, "first"), asMap(second, "second"), true),
  ),
];

/** list.* and map.* */
export const COLLECTION_FUNCTIONS = tableOf([...LISTS, ...MAPS]);
