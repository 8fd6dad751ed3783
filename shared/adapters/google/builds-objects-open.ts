// Opens a folder of Cloud Storage that builds and we share, as the identity of this process. Its library is loaded with the first call.
import type { BuildObjects } from "../../ports/build-objects.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { createCloudBuildObjects } from "./builds-objects.ts";
import type { CallsOptions } from "./calls.ts";

/** The objects of `gs://BUCKET/FOLDER`. The client asks once: those who call our adapters ask again. */
export function openBuildObjects(folder: string, options: CallsOptions): BuildObjects {
  const [, name = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(folder) ?? [];
  const opened = openedOnce(async () => {
    const { Storage } = await import("./storage-library.ts");
    const storage = new Storage({ retryOptions: { autoRetry: false, maxRetries: 0 } });
    return createCloudBuildObjects({ ...options, bucket: storage.bucket(name), prefix });
  });
  return {
    create: async (object, bytes) => (await opened()).create(object, bytes),
    read: async (object) => (await opened()).read(object),
    replace: async (object, bytes) => (await opened()).replace(object, bytes),
  };
}
