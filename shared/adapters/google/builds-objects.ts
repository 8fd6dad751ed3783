// Objects of builds, and the bundles of releases, in a bucket of Cloud Storage. Its preconditions make `create` the fence that it is.
import type { Bucket } from "@google-cloud/storage";
import type { BuildObjects } from "../../ports/build-objects.ts";
import { ControlPlaneError } from "../../domain/errors.ts";
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
    async read(name) {
      try {
        const [bytes] = await call(about("objects.get", "Reading", name), () => fileOf(name).download());
        return bytes;
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
