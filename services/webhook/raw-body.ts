// The bytes of a delivery as they came, up to a limit that depends on the event that the delivery says it is.
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import { TAKEN_EVENTS } from "../../shared/domain/delivery.ts";
import { HttpError } from "../../shared/runtime/errors.ts";

/** Bytes of a delivery that is acted on. */
export const TAKEN_BODY_BYTES_MAX = 1_000_000;
/** Bytes of any delivery: the code host fires nothing larger (docs.github.com/webhooks/webhook-events-and-payloads). */
export const BODY_BYTES_MAX = 25_000_000;

/** Deliveries beyond `TAKEN_BODY_BYTES_MAX` that are in memory at one time. */
export const LARGE_BODIES_MAX = 4;

/** Bytes that a delivery of this event may have. */
export function bodyLimit(event: string | undefined): number {
  return event === undefined || TAKEN_EVENTS.has(event) ? TAKEN_BODY_BYTES_MAX : BODY_BYTES_MAX;
}

/** 413 for a body beyond the limit. The connection ends with it, so that nobody has to read the rest. */
export function tooLarge(limit: number): HttpError {
  const message = `The delivery is larger than ${limit} bytes: it is not read.`;
  return new HttpError(413, "INVALID_ARGUMENT", message, "BODY_TOO_LARGE", { connection: "close" });
}

function tooManyLarge(): HttpError {
  const message = "Too many large deliveries are being read at this moment: send this one again.";
  const headers = { connection: "close", "retry-after": "1" };
  return new HttpError(429, "RESOURCE_EXHAUSTED", message, "TOO_MANY_AT_ONCE", headers);
}

/** Reads bodies; large ones share a few places, because nobody has proven who they are until they are read. */
export function createBodyReader(): (stream: Readable, limit: number) => Promise<Buffer> {
  let large = 0;
  return async (stream, limit) => {
    let mine = 0;
    const enlarge = (): void => {
      if (large >= LARGE_BODIES_MAX) throw tooManyLarge();
      large += 1;
      mine = 1;
    };
    try {
      return await readRawBody(stream, limit, (size) => {
        if (size > TAKEN_BODY_BYTES_MAX && mine === 0) enlarge();
      });
    } finally {
      large -= mine;
    }
  };
}

/** Reads a body; 413 as soon as it passes the limit, 400 when it ends early, is empty, or is not UTF-8. */
async function readRawBody(stream: Readable, limit: number, onSize: (size: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw tooLarge(limit);
      onSize(size);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      400,
      "INVALID_ARGUMENT",
      "The body ended early: send the delivery again.",
      "BODY_INCOMPLETE",
    );
  }
  const [first = Buffer.alloc(0)] = chunks;
  const body = chunks.length === 1 ? first : Buffer.concat(chunks);
  // What is kept is read as text: only for UTF-8 does the same text mean the same bytes.
  if (size === 0 || !isUtf8(body)) {
    throw new HttpError(
      400,
      "INVALID_ARGUMENT",
      "The body is empty or not UTF-8: send the delivery as JSON.",
      "NOT_UTF8",
    );
  }
  return body;
}
