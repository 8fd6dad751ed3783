// The pieces of a resumable upload: a session that is cut off is asked how much has arrived, and goes on from there.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Rest, RestAnswer, RestRequest } from "./rest.ts";

/** Bytes of an object that is sent in one request; larger ones go in pieces of as many (a multiple of 256 KiB, as asked). */
export const UPLOAD_PIECE_BYTES_MAX = 8 * 1024 * 1024;
/** How often the pieces of one session are taken up again after a failure, without any progress in between. */
export const UPLOAD_STALLS_MAX = 3;

/** First byte that the session wants next, by the `range` of a 308 (`bytes=0-41`; absent: nothing has arrived). */
function nextByte({ headers }: RestAnswer): number {
  const last = /^bytes=0-([0-9]{1,15})$/.exec(headers.get("range") ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

const isTransientCode = (error: unknown): boolean =>
  error instanceof ControlPlaneError && ["UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"].includes(error.code);

/** Sends the bytes to a session; answers the description of the object, or undefined when its precondition failed. */
export async function sendPieces(
  rest: Rest,
  call: Omit<RestRequest, "verb" | "url" | "body">,
  session: string,
  bytes: Uint8Array,
): Promise<Buffer | undefined> {
  const total = bytes.byteLength;
  const send = (from: number, to: number): Promise<RestAnswer> =>
    rest({
      ...call,
      verb: "PUT",
      url: session,
      headers: { "content-range": from === to ? `bytes */${total}` : `bytes ${from}-${to - 1}/${total}` },
      body: bytes.subarray(from, to),
      expected: [308, 412],
    });
  let [from, stalls, isUnknown] = [0, 0, false];
  while (stalls <= UPLOAD_STALLS_MAX) {
    let answer: RestAnswer;
    try {
      // After a failure the session is asked how much has arrived, which an empty piece does.
      answer = await send(from, isUnknown ? from : Math.min(from + UPLOAD_PIECE_BYTES_MAX, total));
    } catch (error) {
      if (!isTransientCode(error) || stalls === UPLOAD_STALLS_MAX) throw error;
      stalls += 1;
      isUnknown = true;
      continue;
    }
    if (answer.status === 412) return undefined;
    if (answer.status !== 308) return answer.body;
    const next = nextByte(answer);
    stalls = next > from ? 0 : stalls + 1;
    from = next;
    isUnknown = false;
  }
  throw new ControlPlaneError("UNAVAILABLE", `The upload of ${call.resource} makes no progress. Try again.`, {
    reason: "UPLOAD_STALLED",
    metadata: { resource: call.resource },
  });
}
