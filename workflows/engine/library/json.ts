// json.*: decoding without loss, encoding on one line or indented.
import { decodeJson, encodeJson, type JsonLayout } from "../values/json.ts";
import { isBytes, typeWord, type Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { decodeUtf8 } from "./charsets.ts";
import { asMap, asString, pure, tableOf } from "./library-function.ts";

/** What `indent: true` and `indent: {}` mean. */
const LAYOUT_DEFAULT: JsonLayout = { prefix: "", indent: "    " };

function layoutOf(indent: Value | undefined): JsonLayout | undefined {
  if (indent === undefined || indent === null || indent === false) return undefined;
  if (indent === true) return LAYOUT_DEFAULT;
  const map = asMap(indent, "indent");
  const read = (key: keyof JsonLayout): string =>
    asString(map.get(key) ?? LAYOUT_DEFAULT[key], `indent.${key}`);
  return { prefix: read("prefix"), indent: read("indent") };
}

function decode(data: Value): Value {
  if (typeof data === "string") return decodeJson(data);
  if (isBytes(data)) return decodeJson(decodeUtf8(data));
  throw runtimeError(
    "TypeError",
    `the argument of json.decode must be bytes or a string; got: ${typeWord(data)}`,
  );
}

/** json.* */
export const JSON_FUNCTIONS = tableOf([
  pure("json.decode", "data", ([data]) => decode(data as Value)),
  pure("json.encode", "data indent?", ([data, indent]) =>
    new TextEncoder().encode(encodeJson(data as Value, layoutOf(indent))),
  ),
  pure("json.encode_to_string", "data indent?", ([data, indent]) =>
    encodeJson(data as Value, layoutOf(indent)),
  ),
]);
