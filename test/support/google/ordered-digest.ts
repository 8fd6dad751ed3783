// The order of a digest as whoever waits for one leaves it in the bucket, and what a step of Cloud Build is told of it.
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import { createStorageObjects } from "../../../shared/adapters/google/storage-objects.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import {
  digestObject,
  type DigestOrderObject,
  type DigestResultObject,
} from "../../../shared/ports/digest-objects.ts";
import { PROJECT, type startGoogle } from "./google-front.ts";

type Google = Pick<Awaited<ReturnType<typeof startGoogle>>, "artifacts" | "fences" | "storage">;

const FOLDER = "digests";

/** Puts an object there and orders its digest under this id. */
export async function orderDigest({ artifacts, fences, storage }: Google, id: string, bytes: Buffer) {
  const name = "m/weights.bin";
  artifacts.overwrite(name, bytes);
  const rest = createRest({ calls: createCalls({ clock }), accessToken: async () => "t" });
  const objects = createStorageObjects({ rest, bucket: PROJECT.artifacts, api: storage.url });
  const object = await objects.look(name);
  if (object === undefined) throw new Error(`${name} was put there and is not.`);
  const order: DigestOrderObject = {
    uri: `gs://${PROJECT.artifacts}/${name}`,
    bucket: PROJECT.artifacts,
    isFolder: false,
    files: [{ path: "", isExecutable: false, object: { ...object, name } }],
  };
  const at = (which: "order" | "result"): string => `${FOLDER}/${digestObject(id, which)}`;
  fences.objects.set(at("order"), { bytes: Buffer.from(JSON.stringify(order)), generation: 1 });
  return {
    environment: { SIGNALBOX_BUILD: id, SIGNALBOX_BUILD_FOLDER: `gs://${PROJECT.fences}/${FOLDER}` },
    /** What was written down, if anything. */
    result: (): DigestResultObject | undefined => {
      const written = fences.objects.get(at("result"));
      return written === undefined ? undefined : (JSON.parse(written.bytes.toString()) as DigestResultObject);
    },
  };
}
