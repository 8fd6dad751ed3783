// A push of Pub/Sub, read: the fact that it carries.
import { createHash } from "node:crypto";
import { Type } from "typebox";
import { type ControlPlaneError, invalidArgument } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import { wireType } from "../domain/facts.ts";
import { parseStrictJson } from "../domain/strict-json.ts";
import { compiledOnce } from "./compiled-once.ts";
import { parseFact } from "./parse.ts";

/** Attributes of one message, as Pub/Sub limits them. */
export const PUSH_ATTRIBUTES_MAX = 100;
/** Bytes of one attribute's value, as Pub/Sub limits them. */
export const PUSH_ATTRIBUTE_BYTES_MAX = 1_024;

/** Attribute of a message that is for one service alone, because a person replays it; the others answer 204. */
export const ONLY_ATTRIBUTE = "only";

/** What of a push is read. The framework's own conversion drops messages without data, so we do it ourselves. */
const Push = Type.Object({
  message: Type.Object({
    data: Type.String({ minLength: 1 }),
    messageId: Type.Optional(Type.String({ maxLength: 200 })),
    attributes: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
  subscription: Type.Optional(Type.String({ maxLength: 500 })),
});
const push = compiledOnce(Push);

/** The same of a topic that is not ours: some say all in their attributes, and have no data. */
const HintPush = Type.Object({
  message: Type.Object({
    data: Type.Optional(Type.String()),
    attributes: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
});
const hintPush = compiledOnce(HintPush);

const invalidPush = (message: string): ControlPlaneError =>
  invalidArgument("message", message, "INVALID_PUSH");

/** Bytes in base64 as Pub/Sub writes it: padded, of the plain alphabet, in the one spelling that the bytes have. */
function bytesOf(data: string): Buffer {
  const bytes = Buffer.from(data, "base64");
  if (bytes.toString("base64") === data) return bytes;
  throw invalidPush("message.data is not in base64: send it padded, in the plain alphabet.");
}

/** Google's own: libraries write the trace there (cloud.google.com/pubsub/docs/open-telemetry-tracing), topics with a schema its name. */
const isOfGoogle = (key: string): boolean => key.toLowerCase().startsWith("goog");

/** The attributes that the publisher wrote; INVALID_ARGUMENT for what Pub/Sub takes from nobody. */
function publisherAttributes(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(attributes).filter(([key]) => !isOfGoogle(key));
  if (entries.length > PUSH_ATTRIBUTES_MAX)
    throw invalidPush(
      `message.attributes has ${entries.length} entries: ${PUSH_ATTRIBUTES_MAX} are allowed.`,
    );
  for (const [key, value] of entries) {
    if (key === "" || Buffer.byteLength(key) > 256)
      throw invalidPush(
        `message.attributes has the key ${JSON.stringify(key.slice(0, 40))}: no message can.`,
      );
    if (Buffer.byteLength(value) > PUSH_ATTRIBUTE_BYTES_MAX)
      throw invalidPush(`message.attributes.${key} is longer than ${PUSH_ATTRIBUTE_BYTES_MAX} bytes.`);
  }
  return Object.fromEntries(entries);
}

/** The message of a push body. INVALID_ARGUMENT when the body is no push of Pub/Sub. */
export function readPush(body: Uint8Array): {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
} {
  const read = parseStrictJson(body);
  if (!push().Check(read))
    throw invalidPush("The body is no push of Pub/Sub: message.data must be there, in base64.");
  const { data, attributes = {} } = read.message;
  return { data: bytesOf(data), attributes: publisherAttributes(attributes) };
}

/** The message of a topic that is not ours, which may have no data. INVALID_ARGUMENT when the body is no push of Pub/Sub. */
export function readHint(body: Uint8Array): {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
} {
  const read = parseStrictJson(body);
  if (!hintPush().Check(read)) throw invalidPush("The body is no push of Pub/Sub: message must be there.");
  const { data = "", attributes = {} } = read.message;
  return { data: bytesOf(data), attributes: publisherAttributes(attributes) };
}

/** What a body says of the subscription that pushes it; undefined when it does not say, or is no push. */
export function subscriptionOfPush(body: Uint8Array): string | undefined {
  try {
    const { subscription } = parseStrictJson(body) as { readonly subscription?: unknown };
    return typeof subscription === "string" ? subscription : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Names a push that cannot be read. The same for every delivery of the message: the number of the attempt stands beside the message,
 * and a push is given again when only the answer was lost.
 */
export function pushDigest(body: Uint8Array): string {
  let message: unknown;
  try {
    ({ message } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly message?: unknown });
  } catch {
    // Falls through: what is no JSON is named by its bytes.
  }
  const named = typeof message === "object" && message !== null ? JSON.stringify(message) : body;
  return createHash("sha256").update(named).digest("hex").slice(0, 32);
}

/** Whether this push is for one service alone, and that is another one. */
export function isForOthers(body: Uint8Array, service: string): boolean {
  const only = readPush(body).attributes[ONLY_ATTRIBUTE];
  return only !== undefined && only !== service;
}

/** The fact of a push body. INVALID_ARGUMENT when it is no push, holds no fact of this program, or is labelled as another. */
export function factOfPush(body: Uint8Array): AnyFact {
  const { data, attributes } = readPush(body);
  const fact = parseFact(data);
  const labels = {
    type: fact.type,
    "ce-id": fact.id,
    "ce-type": wireType(fact.type),
    "ce-subject": fact.subject,
  };
  for (const [name, is] of Object.entries(labels)) {
    const said = attributes[name];
    if (said !== undefined && said !== is)
      throw invalidPush(`message.attributes.${name} is not what the fact says.`);
  }
  return fact;
}

/** The fact that a dead letter keeps: as such, or as the text of the push that brought it. Errors: INVALID_ARGUMENT. */
export function factOfLetter(payload: unknown): AnyFact {
  return typeof payload === "string"
    ? factOfPush(Buffer.from(payload))
    : parseFact(Buffer.from(JSON.stringify(payload)));
}
