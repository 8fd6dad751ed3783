// A push of Pub/Sub, read: the fact that it carries.
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { invalidArgument } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import { parseStrictJson } from "../domain/strict-json.ts";
import { parseFact } from "./parse.ts";

/** What of a push is read. The framework's own conversion drops messages without data, so we do it ourselves. */
const Push = Type.Object({
  message: Type.Object({ data: Type.String(), messageId: Type.Optional(Type.String({ maxLength: 200 })) }),
});
const push = Compile(Push);

/** The fact of a push body. INVALID_ARGUMENT when it is no push, or holds no fact of this program. */
export function factOfPush(bytes: Uint8Array): AnyFact {
  const body = parseStrictJson(bytes);
  if (!push.Check(body)) {
    throw invalidArgument(
      "message",
      "The body is no push of Pub/Sub: message.data must be there, in base64.",
      "INVALID_PUSH",
    );
  }
  return parseFact(Buffer.from(body.message.data, "base64"));
}

/** The fact that a dead letter keeps: as such, or as the text of the push that brought it. Errors: INVALID_ARGUMENT. */
export function factOfLetter(payload: unknown): AnyFact {
  return typeof payload === "string"
    ? factOfPush(Buffer.from(payload))
    : parseFact(Buffer.from(JSON.stringify(payload)));
}
