// A fake of the JSON API of Cloud Storage: one bucket, multipart and resumable uploads, media, lists in pages, generations and
// their preconditions, checksums. Written from the reference pages of objects.insert/get/list, "Resumable uploads" and "Request
// preconditions" and "Range": a failed precondition is 412, a wrong `crc32c` in the metadata 400, a piece that is not the last is answered
// 308 with what has arrived, and pieces but the last are multiples of 256 KiB.
import { crc32cText } from "../../../shared/adapters/google/crc32c.ts";
import { type RestAnswer, restError, type RestFake, type RestRequest } from "./rest-front.ts";

interface StoredObject {
  readonly bytes: Buffer;
  readonly generation: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contentEncoding?: string;
}

interface Session {
  readonly name: string;
  readonly generation: string | null;
  readonly crc32c: string | undefined;
  arrived: Buffer;
  done?: RestAnswer;
}

const PIECE = 256 * 1024;

/** What an identity may do with objects (cloud.google.com/storage/docs/access-control/iam-permissions). */
export type ObjectPermission = "create" | "delete" | "get" | "list";
const ALL: readonly ObjectPermission[] = ["create", "delete", "get", "list"];

/** A new bucket. */
export function createStorageFake(bucket: string) {
  let granted: readonly ObjectPermission[] = ALL;
  const objects = new Map<string, StoredObject>();
  const sessions = new Map<string, Session>();
  // Larger than 2^53, as generations may be: whoever reads one as a number loses its end.
  let generations = 9_007_199_254_740_993n;
  /** Bytes that a piece loses on its way: it is taken in only up to there. */
  let cutPieceAt: number | undefined;

  const described = (name: string, { bytes, generation, ...more }: StoredObject): RestAnswer => ({
    status: 200,
    body: {
      kind: "storage#object",
      bucket,
      name,
      generation,
      metageneration: "1",
      size: String(bytes.byteLength),
      crc32c: crc32cText(bytes),
      ...more,
    },
  });
  /** The bytes, or those of a range: 206 with what there is of it, 416 when it begins behind the end. */
  const media = ({ bytes }: StoredObject, range = ""): RestAnswer => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    if (first === undefined) return { status: 200, body: bytes };
    if (Number(first) >= bytes.byteLength) return { status: 416, body: Buffer.alloc(0) };
    return { status: 206, body: bytes.subarray(Number(first), Number(last) + 1) };
  };
  const isStale = (name: string, wanted: string | null): boolean =>
    wanted !== null && wanted !== (objects.get(name)?.generation ?? "0");
  const denied = (permission: ObjectPermission): RestAnswer =>
    restError(
      403,
      "PERMISSION_DENIED",
      `caller does not have storage.objects.${permission} access to the Google Cloud Storage object.`,
    );
  const stale = restError(
    412,
    "FAILED_PRECONDITION",
    "At least one of the pre-conditions you specified did not hold.",
  );
  const store = (
    name: string,
    bytes: Buffer,
    wanted: string | null,
    crc32c: string | undefined,
  ): RestAnswer => {
    if (!granted.includes("create")) return denied("create");
    if (isStale(name, wanted)) return stale;
    // To replace is to delete as well.
    if (objects.has(name) && !granted.includes("delete")) return denied("delete");
    if (crc32c !== undefined && crc32c !== crc32cText(bytes))
      return restError(400, "INVALID_ARGUMENT", "Provided CRC32C doesn't match calculated CRC32C.");
    const object = { bytes, generation: String(generations++) };
    objects.set(name, object);
    return described(name, object);
  };

  const multipart = ({ headers, body, query }: RestRequest): RestAnswer => {
    const boundary = /boundary=(\S+)$/.exec(headers["content-type"] ?? "")?.[1] ?? "";
    const text = body.toString("latin1");
    const [, head = ""] = text.split(`--${boundary}\r\n`);
    const { name, crc32c } = JSON.parse(
      Buffer.from(head.split("\r\n\r\n")[1] ?? "", "latin1").toString(),
    ) as {
      name: string;
      crc32c?: string;
    };
    const second = text.indexOf("\r\n\r\n", text.indexOf(`--${boundary}`, 5)) + 4;
    const bytes = body.subarray(second, text.lastIndexOf(`\r\n--${boundary}--`));
    return store(name, Buffer.from(bytes), query.get("ifGenerationMatch"), crc32c);
  };
  const openSession = ({ headers, body, query }: RestRequest): RestAnswer => {
    const { name, crc32c } = JSON.parse(body.toString()) as { name: string; crc32c?: string };
    const generation = query.get("ifGenerationMatch");
    if (isStale(name, generation)) return stale;
    const id = `session-${sessions.size + 1}`;
    sessions.set(id, { name, generation, crc32c, arrived: Buffer.alloc(0) });
    const location = `http://${headers.host}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`;
    return { status: 200, body: {}, headers: { location } };
  };
  const goOn = ({ arrived }: Session): RestAnswer => ({
    status: 308,
    body: Buffer.alloc(0),
    headers: arrived.byteLength === 0 ? {} : { range: `bytes=0-${arrived.byteLength - 1}` },
  });
  const piece = (session: Session | undefined, { headers, body }: RestRequest): RestAnswer => {
    if (session === undefined) return restError(404, "NOT_FOUND", "No such upload session.");
    if (session.done !== undefined) return session.done;
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(headers["content-range"] ?? "");
    if (range === null) return restError(400, "INVALID_ARGUMENT", "Failed to parse Content-Range header.");
    const [, first, , total] = range;
    if (first !== undefined) {
      if (Number(first) !== session.arrived.byteLength)
        return restError(503, "UNAVAILABLE", "Invalid request range.");
      const isLast = Number(first) + body.byteLength === Number(total);
      if (!isLast && body.byteLength % PIECE !== 0)
        return restError(400, "INVALID_ARGUMENT", "Not a multiple of 256 KiB.");
      session.arrived = Buffer.concat([session.arrived, body.subarray(0, cutPieceAt)]);
      cutPieceAt = undefined;
    }
    if (session.arrived.byteLength < Number(total)) return goOn(session);
    session.done = store(session.name, session.arrived, session.generation, session.crc32c);
    return session.done;
  };
  const list = ({ query }: RestRequest): RestAnswer => {
    const after = query.get("pageToken") ?? "";
    const limit = Number(query.get("maxResults") ?? 1_000);
    const names = [...objects.keys()]
      .filter((name) => name.startsWith(query.get("prefix") ?? "") && name > after)
      .toSorted();
    const page = names.slice(0, limit);
    return {
      status: 200,
      body: {
        kind: "storage#objects",
        ...(page.length === 0
          ? {}
          : { items: page.map((name) => described(name, objects.get(name) as StoredObject).body) }),
        ...(names.length > limit ? { nextPageToken: page.at(-1) } : {}),
      },
    };
  };

  const fake: RestFake = (request) => {
    const { method, path, query, headers } = request;
    if (path === `/upload/storage/v1/b/${bucket}/o`) {
      if (method === "PUT") return piece(sessions.get(query.get("upload_id") ?? ""), request);
      return query.get("uploadType") === "multipart" ? multipart(request) : openSession(request);
    }
    const prefix = `/storage/v1/b/${bucket}/o`;
    if (path === prefix) return granted.includes("list") ? list(request) : denied("list");
    const name = path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : undefined;
    if (name === undefined) return restError(404, "NOT_FOUND", "The specified bucket does not exist.");
    if (!granted.includes("get")) return denied("get");
    const object = objects.get(name);
    const wanted = query.get("generation") ?? object?.generation;
    if (object === undefined || wanted !== object.generation)
      return restError(404, "NOT_FOUND", `No such object: ${bucket}/${name}`);
    return query.get("alt") === "media" ? media(object, headers.range) : described(name, object);
  };
  return {
    fake,
    objects,
    sessions,
    /** From now on whoever calls may do this much, such as `create` alone (roles/storage.objectCreator). */
    grant: (...permissions: readonly ObjectPermission[]): void => void (granted = permissions),
    /** Changes the bytes behind everybody's back. */
    overwrite: (
      name: string,
      bytes: Buffer,
      more: Pick<StoredObject, "metadata" | "contentEncoding"> = {},
    ): void => void objects.set(name, { bytes, generation: String(generations++), ...more }),
    cutNextPieceAt: (bytes: number): void => void (cutPieceAt = bytes),
  };
}
