// Objects of builds, and the bundles of releases, in a bucket of Cloud Storage. Its preconditions make `create` the fence that it is.
import type { Bucket, File } from "@google-cloud/storage";
import { BUILD_OBJECT_BYTES_MAX, type BuildObjects } from "../../ports/build-objects.ts";
import { ControlPlaneError } from "../../domain/errors.ts";
import { crc32cText } from "./crc32c.ts";
import { type Call, type CallsOptions, createCalls } from "./calls.ts";

/** What the adapter is made of. */
export interface CloudBuildObjectsOptions extends CallsOptions {
  /** A bucket whose client does not try again by itself. */
  readonly bucket: Pick<Bucket, "file" | "name">;
  /** Before every name, without a slash at the end. */
  readonly prefix: string;
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof ControlPlaneError && error.code === code;

/** The checksum of the whole object among the hashes that come with an answer. */
const checksumOf = (hashes: unknown): string | undefined =>
  typeof hashes === "string" ? /(?:^|,)crc32c=([^,]+)/.exec(hashes)?.[1] : undefined;

/**
 * At most one byte more than `bytesMax`, by a range: hanging up in the middle would cut every request of this client. The client
 * checks no ranges, so what is whole is checked here.
 */
async function readBounded(file: Pick<File, "createReadStream">, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let checksum: string | undefined;
  const stream = file.createReadStream({ start: 0, end: bytesMax });
  stream.once("response", ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) => {
    checksum = checksumOf(headers["x-goog-hash"]);
  });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    // Of an empty object no range can be given.
    if ((error as { readonly code?: unknown }).code === 416) return new Uint8Array();
    throw error;
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > bytesMax || checksum === undefined || checksum === crc32cText(bytes)) return bytes;
  throw new ControlPlaneError("UNAVAILABLE", "The bytes that came are not those that are stored.", {
    reason: "BYTES_DAMAGED",
  });
}

/** Objects under a prefix of a bucket. */
export function createCloudBuildObjects(options: CloudBuildObjectsOptions): BuildObjects {
  const { bucket, prefix } = options;
  const call = createCalls(options);
  const fileOf = (name: string) => bucket.file(`${prefix}/${name}`);
  const about = (method: string, doing: string, name: string): Call => ({
    method,
    doing: `${doing} ${name}`,
    resource: `gs://${bucket.name}/${prefix}/${name}`,
  });
  return {
    async create(name, bytes) {
      const preconditionOpts = { ifGenerationMatch: 0 };
      try {
        await call(about("objects.insert", "Creating", name), () =>
          fileOf(name).save(Buffer.from(bytes), { resumable: false, preconditionOpts }),
        );
        return true;
      } catch (error) {
        if (isCode(error, "FAILED_PRECONDITION")) return false;
        throw error;
      }
    },
    async read(name, bytesMax = BUILD_OBJECT_BYTES_MAX) {
      try {
        return await call(about("objects.get", "Reading", name), () => readBounded(fileOf(name), bytesMax));
      } catch (error) {
        if (isCode(error, "NOT_FOUND")) return undefined;
        throw error;
      }
    },
    async replace(name, bytes) {
      await call(about("objects.insert", "Replacing", name), () =>
        fileOf(name).save(Buffer.from(bytes), { resumable: false }),
      );
    },
  };
}
