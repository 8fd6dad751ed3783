// Computing the digest of a large artifact, as a step of the build service. What it is told names exact contents, so it needs no fence:
// whoever does it comes to the same, and the first to say so is heard.
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { BuildObjects } from "../../../shared/ports/build-objects.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import {
  digestObject,
  type DigestOrderObject,
  type DigestResultObject,
} from "../../../shared/ports/digest-objects.ts";
import { jsonBytes, persistentObjects, readJson } from "./persistent.ts";

/** What the program is handed. */
export interface DigestPorts {
  /** Our id of the digest. */
  readonly id: string;
  readonly objects: BuildObjects;
  readonly clock: Pick<Clock, "sleep">;
  /** Reads all of it. */
  readonly digestOf: (order: DigestOrderObject) => Promise<string>;
}

/** Errors that say something about the artifact itself, and will always do so. Everything else may pass, or is ours to put right. */
function lasting(error: unknown): DigestResultObject {
  if (
    error instanceof ControlPlaneError &&
    (error.code === "NOT_FOUND" || error.code === "FAILED_PRECONDITION")
  )
    return { failure: { code: error.code, message: error.message } };
  throw error;
}

/** Writes the result, unless it is there. Throws what may be better in another build. */
export async function runDigest(ports: DigestPorts): Promise<void> {
  const { id, clock, digestOf } = ports;
  const objects = persistentObjects(ports.objects, clock);
  const order = await readJson<DigestOrderObject>(objects, digestObject(id, "order"));
  if (order === undefined) throw new Error(`There is no order for the digest ${id}.`);
  if ((await objects.read(digestObject(id, "result"))) !== undefined) return;
  const result = await digestOf(order).then((digest) => ({ digest }), lasting);
  await objects.create(digestObject(id, "result"), jsonBytes(result));
}
