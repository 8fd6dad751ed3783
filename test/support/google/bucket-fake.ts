// A fake of Cloud Storage's JSON API as far as objects of builds need it: media and multipart uploads with a generation precondition,
// downloads with checksums. Written from cloud.google.com/storage/docs/json_api/v1/objects and its notes on uploads and hashes.
import { createHash } from "node:crypto";
import { CRC32C } from "@google-cloud/storage";
import { type RestAnswer, restError, type RestFake, type RestRequest } from "./rest-front.ts";

/** An object as it is kept. */
export interface FakeObject {
  readonly bytes: Buffer;
  readonly generation: number;
}

/** A fake of one bucket. */
export interface BucketFake {
  readonly handle: RestFake;
  readonly objects: Map<string, FakeObject>;
}

const METADATA_FIELDS = { kind: "storage#object", storageClass: "STANDARD", metageneration: "1" } as const;

function hashes(bytes: Buffer) {
  const crc = new CRC32C();
  crc.update(bytes);
  return { crc32c: crc.toString(), md5Hash: createHash("md5").update(bytes).digest("base64") };
}

/** The two parts of a multipart/related body: metadata, and bytes. */
function parts({ headers, body }: RestRequest): {
  readonly metadata: { name?: string };
  readonly bytes: Buffer;
} {
  const [, boundary = ""] = /boundary=(?:"([^"]+)"|([^;]+))/
    .exec(headers["content-type"] ?? "")
    ?.filter((each, index) => index === 0 || each !== undefined) ?? ["", ""];
  const marker = Buffer.from(`--${boundary}`);
  const pieces: Buffer[] = [];
  for (let from = body.indexOf(marker); from >= 0;) {
    const next = body.indexOf(marker, from + marker.length);
    if (next < 0) break;
    const piece = body.subarray(from + marker.length + 2, next - 2);
    pieces.push(piece.subarray(piece.indexOf("\r\n\r\n") + 4));
    from = next;
  }
  const [metadata = Buffer.from("{}"), bytes = Buffer.alloc(0)] = pieces;
  return { metadata: JSON.parse(metadata.toString("utf8")) as { name?: string }, bytes };
}

/** A bucket of this name, empty. */
export function createBucketFake(bucket: string): BucketFake {
  const objects = new Map<string, FakeObject>();
  let generations = 0;
  const shown = (name: string, { bytes, generation }: FakeObject) => ({
    ...METADATA_FIELDS,
    bucket,
    name,
    generation: String(generation),
    size: String(bytes.length),
    ...hashes(bytes),
  });
  const insert = (request: RestRequest): RestAnswer => {
    const isMultipart = request.query.get("uploadType") === "multipart";
    const { metadata, bytes } = isMultipart ? parts(request) : { metadata: {}, bytes: request.body };
    const name = request.query.get("name") ?? metadata.name ?? "";
    if (name === "") return restError(400, "INVALID_ARGUMENT", "Required parameter: name");
    const expected = request.query.get("ifGenerationMatch");
    const current = objects.get(name)?.generation ?? 0;
    if (expected !== null && Number(expected) !== current)
      return restError(
        412,
        "FAILED_PRECONDITION",
        "At least one of the pre-conditions you specified did not hold.",
      );
    generations += 1;
    const object = { bytes: Buffer.from(bytes), generation: generations };
    objects.set(name, object);
    return { status: 200, body: shown(name, object) };
  };
  const handle = (request: RestRequest): RestAnswer => {
    const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(request.path);
    const read = /^\/(?:download\/)?storage\/v1\/b\/([^/]+)\/o\/(.+)$/.exec(request.path);
    const named = upload?.[1] ?? read?.[1];
    if (named === undefined) return restError(404, "NOT_FOUND", `Not Found: ${request.path}`);
    if (named !== bucket) return restError(404, "NOT_FOUND", "The specified bucket does not exist.");
    if (upload !== null && request.method === "POST") return insert(request);
    const name = read?.[2] ?? "";
    const object = objects.get(name);
    if (object === undefined) return restError(404, "NOT_FOUND", `No such object: ${bucket}/${name}`);
    if (request.query.get("alt") !== "media") return { status: 200, body: shown(name, object) };
    const { crc32c, md5Hash } = hashes(object.bytes);
    const headers = {
      "x-goog-hash": `crc32c=${crc32c},md5=${md5Hash}`,
      "x-goog-generation": String(object.generation),
      "x-goog-stored-content-encoding": "identity",
    };
    const [, start = "", end = ""] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (start === "") return { status: 200, body: object.bytes, headers };
    if (Number(start) >= object.bytes.length)
      return restError(416, "OUT_OF_RANGE", "The requested range cannot be satisfied.");
    return { status: 206, body: object.bytes.subarray(Number(start), Number(end) + 1), headers };
  };
  return { handle, objects };
}
