// base64 and hash.
import { createHash, createHmac } from "node:crypto";
import { CHOICES } from "../choices.ts";
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { asBoolean, asBytes, asString, pure, tableOf } from "./library-function.ts";

const ALGORITHMS = new Set(["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"]);
const BASE64 = /^[A-Za-z0-9+/]*$/;

function algorithmOf(value: Value | undefined): string {
  const given = asString(value, "algorithm");
  const name = CHOICES.hyphenatedHashNames ? given.replace("SHA-", "SHA") : given;
  if (ALGORITHMS.has(name)) return name.toLowerCase();
  throw runtimeError(
    "ValueError",
    `unknown algorithm ${JSON.stringify(given)} (expecting ${[...ALGORITHMS].join(", ")})`,
  );
}

/** Strict base64: right alphabet, right length, padding as asked for; line breaks do not count. */
function decodeBase64(data: string, padding: boolean): Uint8Array {
  const text = data.replaceAll(/[\r\n]/g, "");
  const body = padding ? text.replace(/={1,2}$/, "") : text;
  const lengthFits = padding ? text.length % 4 === 0 : body.length % 4 !== 1;
  if (BASE64.test(body) && lengthFits) return new Uint8Array(Buffer.from(body, "base64"));
  throw runtimeError("ValueError", "the text is no valid base64");
}

/** base64.* and hash.*. */
export const BYTES_FUNCTIONS = tableOf([
  pure("base64.encode", "data padding?", ([data, padding]) => {
    const text = Buffer.from(asBytes(data, "data")).toString("base64");
    return asBoolean(padding, "padding", true) ? text : text.replace(/=+$/, "");
  }),
  pure("base64.decode", "data padding?", ([data, padding]) =>
    decodeBase64(asString(data, "data"), asBoolean(padding, "padding", true)),
  ),
  pure("hash.compute_checksum", "data algorithm", ([data, algorithm]) => {
    return new Uint8Array(createHash(algorithmOf(algorithm)).update(asBytes(data, "data")).digest());
  }),
  pure("hash.compute_hmac", "key data algorithm", ([key, data, algorithm]) => {
    return new Uint8Array(
      createHmac(algorithmOf(algorithm), asBytes(key, "key")).update(asBytes(data, "data")).digest(),
    );
  }),
]);
