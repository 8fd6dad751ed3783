// The objects of a build, read and written as JSON. Objects are ours, yet they are read with care: a damaged one is said, not guessed at.
import { ControlPlaneError } from "../../domain/errors.ts";
import {
  BUILD_OBJECT_BYTES_MAX,
  type BUILD_OBJECTS,
  type BuildObjects,
  buildObject,
} from "../../ports/build-objects.ts";

type Name = Exclude<keyof typeof BUILD_OBJECTS, "log">;

/** The value of an object's bytes; undefined when there are none. INTERNAL `BUILD_OBJECT_DAMAGED` for what is no JSON. */
export function parseRecord(object: string, bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    if (bytes.byteLength > BUILD_OBJECT_BYTES_MAX) throw new Error("too large");
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ControlPlaneError("INTERNAL", `The object ${object} is damaged.`, {
      reason: "BUILD_OBJECT_DAMAGED",
      metadata: { object },
    });
  }
}

/** Reads an object; undefined when it is not there. */
export async function readRecord<Value>(
  objects: Pick<BuildObjects, "read">,
  id: string,
  name: Name,
): Promise<Value | undefined> {
  const object = buildObject(id, name);
  return parseRecord(object, await objects.read(object)) as Value | undefined;
}

/** Creates an object; false when there is one. */
export function createRecord(
  objects: BuildObjects,
  id: string,
  name: Name,
  value: unknown,
): Promise<boolean> {
  return objects.create(buildObject(id, name), Buffer.from(JSON.stringify(value)));
}
