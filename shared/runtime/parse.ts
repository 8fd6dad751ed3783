// Bytes from outside → a checked fact. The only place where a stranger's bytes become a value of ours.
import { type TSchema, Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { invalidArgument } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import { FACTS, type FactType, factType, wireType } from "../domain/facts.ts";
import { parseStrictJson } from "../domain/strict-json.ts";
import { compiledOnce } from "./compiled-once.ts";

/** Bytes of one fact on the wire: Pub/Sub takes 10 MB, a Firestore document 1 MiB, which our ledger must fit. */
export const FACT_BYTES_MAX = 1_000_000;

/** The envelope without its data, as it is carried between services. */
const Envelope = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 200 }),
  type: Type.String({ minLength: 1, maxLength: 100 }),
  subject: Type.String({ minLength: 1, maxLength: 500 }),
  version: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  time: Type.String({ minLength: 20, maxLength: 40 }),
  cause: Type.String({ minLength: 1, maxLength: 1_000 }),
  correlation: Type.String({ maxLength: 200 }),
  actor: Type.String({ minLength: 1, maxLength: 200 }),
  data: Type.Unknown(),
});
const envelope = compiledOnce(Envelope);

const compiled = new Map<FactType, Validator>();

/** The checker of one type's data, compiled when it is first needed. */
function dataOf(type: FactType): Validator {
  const known = compiled.get(type);
  if (known !== undefined) return known;
  const fresh = Compile(FACTS[type] as TSchema);
  compiled.set(type, fresh);
  return fresh;
}

/** `data.artifact.digest` from a JSON pointer. */
const fieldAt = (root: string, pointer: string): string =>
  [root, ...pointer.split("/").slice(1)].filter((part) => part !== "").join(".");

/** Refuses data that is not what its type promises, naming the first field at fault. */
export function checkFactData(type: FactType, data: unknown): void {
  const validator = dataOf(type);
  if (validator.Check(data)) return;
  const [problem] = validator.Errors(data);
  const field = fieldAt("data", problem?.instancePath ?? "");
  throw invalidArgument(
    field,
    `${field} of ${wireType(type)} ${problem?.message ?? "is wrong"}.`,
    "INVALID_FACT",
  );
}

/** What looks like an integer beyond 2^53 somewhere; only then is the text read a second time. */
const LONG_DIGITS = /[0-9]{16}/;

/** Refuses an integer that would be read as another one. What our own processes write is written as it is read, however large. */
function refuseRounded(bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString("utf8");
  if (!LONG_DIGITS.test(text)) return;
  // Node gives the source of a number to a reviver; its types do not know it yet.
  const look = (key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const { source = "" } = context ?? {};
    if (typeof value === "number" && /^-?[0-9]{16,}$/.test(source) && String(value) !== source)
      throw invalidArgument(
        key,
        `${key} is ${source.slice(0, 40)}, which is beyond 2^53: write it as text.`,
        "NUMBER_TOO_LARGE",
      );
    return value;
  };
  JSON.parse(text, look);
}

/** The fact that these bytes hold: UTF-8 JSON of the envelope. Throws INVALID_ARGUMENT with field and remedy. */
export function parseFact(bytes: Uint8Array): AnyFact {
  if (bytes.byteLength > FACT_BYTES_MAX) {
    throw invalidArgument(
      "",
      `The fact has ${bytes.byteLength} bytes and ${FACT_BYTES_MAX} are allowed: send less.`,
      "TOO_LARGE",
    );
  }
  const value = parseStrictJson(bytes);
  refuseRounded(bytes);
  if (!envelope().Check(value)) {
    const [problem] = envelope().Errors(value);
    const field = fieldAt("", problem?.instancePath ?? "");
    throw invalidArgument(
      field,
      `${field === "" ? "The fact" : field} ${problem?.message ?? "is wrong"}.`,
      "INVALID_FACT",
    );
  }
  const type = Object.hasOwn(FACTS, value.type) ? (value.type as FactType) : factType(value.type);
  if (type === undefined) {
    throw invalidArgument(
      "type",
      `${JSON.stringify(value.type)} is no fact of this program: deploy one that knows it.`,
      "UNKNOWN_FACT",
    );
  }
  if (Number.isNaN(Date.parse(value.time))) {
    throw invalidArgument(
      "time",
      `time is ${JSON.stringify(value.time)}: write it in RFC 3339.`,
      "INVALID_FACT",
    );
  }
  checkFactData(type, value.data);
  return { ...value, type } as AnyFact;
}
