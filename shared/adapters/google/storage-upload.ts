// Uploads to Cloud Storage: small objects in one request, large ones in pieces of a session that goes on where it was cut off.
import { randomUUID } from "node:crypto";
import { ControlPlaneError } from "../../domain/errors.ts";
import { crc32cText } from "./crc32c.ts";
import type { Rest } from "./rest.ts";
import { sendPieces, UPLOAD_PIECE_BYTES_MAX } from "./storage-pieces.ts";

/** How long one request that carries bytes may take. */
export const STORAGE_BYTES_TIMEOUT_MS = 40_000;
/** Bytes of an answer to an upload. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Uploads an object under a generation precondition; answers its description, or undefined when the precondition failed. */
export type Upload = (name: string, bytes: Uint8Array, generation: string) => Promise<Buffer | undefined>;

const described = (name: string, bytes: Uint8Array): string =>
  JSON.stringify({ name, contentType: "application/octet-stream", crc32c: crc32cText(bytes) });

/** Description and bytes as the two parts of one body. */
function multipart(boundary: string, name: string, bytes: Uint8Array): Buffer {
  const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${described(name, bytes)}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}

/** Uploads into this bucket. */
export function createUpload({
  rest,
  bucket,
  api,
}: {
  readonly rest: Rest;
  readonly bucket: string;
  readonly api: string;
}): Upload {
  const start = (name: string, uploadType: string, generation: string): string =>
    `${api}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${new URLSearchParams({ uploadType, name, ifGenerationMatch: generation }).toString()}`;
  const callFor = (name: string) => {
    const resource = `gs://${bucket}/${name}`;
    return {
      method: "storage.objects.insert",
      doing: `Writing ${resource}`,
      resource,
      bytesMax: ANSWER_BYTES_MAX,
      timeoutMs: STORAGE_BYTES_TIMEOUT_MS,
    } as const;
  };
  const inOne: Upload = async (name, bytes, generation) => {
    // New for each request: one that could be known might stand in the bytes, and cut them.
    const boundary = randomUUID();
    const { status, body } = await rest({
      ...callFor(name),
      verb: "POST",
      url: start(name, "multipart", generation),
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body: multipart(boundary, name, bytes),
      expected: [412],
    });
    return status === 412 ? undefined : body;
  };

  const openSession = async (
    name: string,
    bytes: Uint8Array,
    generation: string,
  ): Promise<string | undefined> => {
    const { status, headers } = await rest({
      ...callFor(name),
      verb: "POST",
      url: start(name, "resumable", generation),
      headers: {
        "content-type": "application/json; charset=UTF-8",
        "x-upload-content-length": String(bytes.byteLength),
      },
      body: described(name, bytes),
      expected: [412],
    });
    if (status === 412) return undefined;
    const session = headers.get("location");
    // The session's address is a credential: it goes nowhere but to the host that gave it.
    if (session !== null && URL.canParse(session) && new URL(session).origin === new URL(api).origin)
      return session;
    throw new ControlPlaneError(
      "INTERNAL",
      `Cloud Storage opened no upload session for ${name}. Try again.`,
      {
        reason: "STORAGE_ANSWER_INVALID",
        metadata: { bucket, object: name },
      },
    );
  };

  const inPieces: Upload = async (name, bytes, generation) => {
    const session = await openSession(name, bytes, generation);
    if (session === undefined) return undefined;
    return sendPieces(rest, callFor(name), session, bytes);
  };
  return (name, bytes, generation) =>
    (bytes.byteLength <= UPLOAD_PIECE_BYTES_MAX ? inOne : inPieces)(name, bytes, generation);
}
