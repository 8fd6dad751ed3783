// Trying again inside a step of the build service: nobody above it does.
import { isTransient } from "../../../shared/domain/errors.ts";
import type { BuildObjects } from "../../../shared/ports/build-objects.ts";
import type { Clock } from "../../../shared/ports/clock.ts";

/** Tries of a read or write of an object: nobody above a step tries again. */
export const STEP_ATTEMPTS_MAX = 6;
/** Before the second try; doubled each time. */
const STEP_RETRY_MS = 500;

/** Does what is safe to repeat, again when that may help. */
export async function persist<Answer>(
  clock: Pick<Clock, "sleep">,
  work: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === STEP_ATTEMPTS_MAX || !isTransient(error)) throw error;
      await clock.sleep(STEP_RETRY_MS * 2 ** (attempt - 1));
    }
  }
}

/** Objects that are asked again when that may help. Creating twice is harmless: the second answer is false, and is looked into. */
export function persistentObjects(objects: BuildObjects, clock: Pick<Clock, "sleep">): BuildObjects {
  return {
    create: (name, bytes) => persist(clock, () => objects.create(name, bytes)),
    read: (name, bytesMax) => persist(clock, () => objects.read(name, bytesMax)),
    replace: (name, bytes) => persist(clock, () => objects.replace(name, bytes)),
  };
}

/** The bytes of a JSON value. */
export const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** The JSON value of an object, or undefined. */
export async function readJson<Value>(objects: BuildObjects, name: string): Promise<Value | undefined> {
  const bytes = await objects.read(name);
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString("utf8")) as Value);
}
