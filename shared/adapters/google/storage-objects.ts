// Objects of one bucket over the JSON API of Cloud Storage: created and replaced under a precondition, checked by CRC-32C.
import { ControlPlaneError } from "../../domain/errors.ts";
import { crc32cText } from "./crc32c.ts";
import type { Rest } from "./rest.ts";
import { createUpload, STORAGE_BYTES_TIMEOUT_MS } from "./storage-upload.ts";

/** Where Cloud Storage answers. */
export const STORAGE_API = "https://storage.googleapis.com";
/** Bytes of an answer that describes an object. */
const OBJECT_FACTS_BYTES_MAX = 64 * 1024;
/** Objects that one page of a list has. */
export const OBJECTS_PER_PAGE_MAX = 1_000;

/** What is asked of an object's description. */
const FIELDS = "name,size,crc32c,generation,contentEncoding,metadata";

/** What is known of an object without reading it. */
export interface ObjectFacts {
  readonly name: string;
  readonly size: number;
  readonly crc32c: string;
  /** The number of this content; a decimal text, because it is larger than 2^53. */
  readonly generation: string;
  /** `gzip` for bytes that Cloud Storage unpacks for whoever reads them; usually empty. */
  readonly contentEncoding: string;
  /** What whoever uploaded it wrote beside it. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** One content of an object, and how to know that all of it came. */
export type ObjectContent = Pick<ObjectFacts, "name" | "generation" | "size" | "crc32c">;

/** The objects of a bucket. */
export interface StorageObjects {
  /** Writes the object when its generation is this one (`0`: when it is not there). False: it is another. */
  write(name: string, bytes: Uint8Array, generation: string): Promise<boolean>;
  /** What is there, or undefined. */
  look(name: string): Promise<ObjectFacts | undefined>;
  /** Its bytes, or undefined. */
  read(name: string, bytesMax: number): Promise<Buffer | undefined>;
  /** The bytes `from` … `to` (exclusive, and more than none) of exactly this content, or undefined when it is gone. */
  readPiece(object: ObjectContent, from: number, to: number): Promise<Buffer | undefined>;
  /** One page of the objects below a prefix, in the order of their names, and the token of the next page. */
  list(
    prefix: string,
    page?: string,
  ): Promise<{ readonly objects: readonly ObjectFacts[]; readonly next?: string }>;
}

interface RawObject {
  readonly name?: unknown;
  readonly size?: unknown;
  readonly crc32c?: unknown;
  readonly generation?: unknown;
  readonly contentEncoding?: unknown;
  readonly metadata?: unknown;
}

const invalidAnswer = (resource: string, what: string): ControlPlaneError =>
  new ControlPlaneError("INTERNAL", `Cloud Storage ${what} ${resource} in a way that cannot be read.`, {
    reason: "STORAGE_ANSWER_INVALID",
    metadata: { resource },
  });

/** The description of an object, held to what it must be. */
export function objectFacts(raw: unknown, resource: string): ObjectFacts {
  const { name, size, crc32c, generation, contentEncoding = "", metadata = {} } = (raw ?? {}) as RawObject;
  const isRight =
    typeof name === "string" &&
    typeof size === "string" &&
    /^[0-9]{1,15}$/.test(size) &&
    typeof crc32c === "string" &&
    typeof generation === "string" &&
    /^[0-9]{1,20}$/.test(generation) &&
    typeof contentEncoding === "string" &&
    typeof metadata === "object" &&
    metadata !== null;
  if (!isRight) throw invalidAnswer(resource, "describes");
  const more = { contentEncoding, metadata: metadata as ObjectFacts["metadata"] };
  return { name, size: Number(size), crc32c, generation, ...more };
}

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
};

function createList(rest: Rest, bucket: string, objects: string): StorageObjects["list"] {
  return async (prefix, page) => {
    const resource = `gs://${bucket}/${prefix}`;
    const fields = `nextPageToken,items(${FIELDS})`;
    const query = new URLSearchParams({ prefix, maxResults: String(OBJECTS_PER_PAGE_MAX), fields });
    if (page !== undefined) query.set("pageToken", page);
    const { body } = await rest({
      method: "storage.objects.list",
      doing: `Listing ${resource}`,
      resource,
      verb: "GET",
      url: `${objects}?${query.toString()}`,
      bytesMax: OBJECTS_PER_PAGE_MAX * 4_096,
    });
    const { items = [], nextPageToken } = (parsed(body) ?? {}) as {
      readonly items?: readonly unknown[];
      readonly nextPageToken?: string;
    };
    return {
      objects: items.map((each) => objectFacts(each, resource)),
      ...(nextPageToken === undefined ? {} : { next: nextPageToken }),
    };
  };
}

type At = (name: string) => { readonly url: string; readonly resource: string };

function createReads(rest: Rest, at: At): Pick<StorageObjects, "look" | "read" | "readPiece"> {
  return {
    async look(name) {
      const { url, resource } = at(name);
      const { status, body } = await rest({
        method: "storage.objects.get",
        doing: `Looking at ${resource}`,
        resource,
        verb: "GET",
        url: `${url}?fields=${FIELDS}`,
        bytesMax: OBJECT_FACTS_BYTES_MAX,
        expected: [404],
      });
      return status === 404 ? undefined : objectFacts(parsed(body), resource);
    },
    async read(name, bytesMax) {
      const { url, resource } = at(name);
      const { status, body } = await rest({
        method: "storage.objects.get",
        doing: `Reading ${resource}`,
        resource,
        verb: "GET",
        url: `${url}?alt=media`,
        bytesMax,
        expected: [404],
        timeoutMs: STORAGE_BYTES_TIMEOUT_MS,
      });
      return status === 404 ? undefined : body;
    },
    async readPiece(object, from, to) {
      const { url, resource } = at(object.name);
      const { status, body } = await rest({
        method: "storage.objects.get",
        doing: `Reading ${resource}`,
        resource,
        verb: "GET",
        url: `${url}?alt=media&generation=${object.generation}`,
        headers: { range: `bytes=${from}-${to - 1}` },
        // An error has a body of its own.
        bytesMax: Math.max(to - from, OBJECT_FACTS_BYTES_MAX),
        expected: [404],
        timeoutMs: STORAGE_BYTES_TIMEOUT_MS,
      });
      if (status === 404) return undefined;
      if (body.byteLength === to - from) return body;
      throw invalidAnswer(resource, "gives a piece of");
    },
  };
}

/** Objects of this bucket. */
export function createStorageObjects(options: {
  readonly rest: Rest;
  readonly bucket: string;
  readonly api?: string;
}): StorageObjects {
  const { rest, bucket, api = STORAGE_API } = options;
  const objects = `${api}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const upload = createUpload({ rest, bucket, api });
  const at: At = (name) => ({
    url: `${objects}/${encodeURIComponent(name)}`,
    resource: `gs://${bucket}/${name}`,
  });
  return {
    async write(name, bytes, generation) {
      const { resource } = at(name);
      const written = await upload(name, bytes, generation);
      if (written === undefined) return false;
      const { size, crc32c } = objectFacts(parsed(written), resource);
      if (size === bytes.byteLength && crc32c === crc32cText(bytes)) return true;
      throw new ControlPlaneError("UNAVAILABLE", `${resource} was not stored as it was sent. Try again.`, {
        reason: "STORAGE_CHECKSUM",
        metadata: { resource },
      });
    },
    ...createReads(rest, at),
    list: createList(rest, bucket, objects),
  };
}
