// A refusal names the field as its caller wrote it: under `data.` in an event, without it in a native call.
import { ControlPlaneError } from "../../../shared/domain/errors.ts";

function renamed(error: unknown, rename: (field: string) => string): unknown {
  if (!(error instanceof ControlPlaneError) || error.field === undefined) return error;
  const field = rename(error.field);
  const { reason, metadata, cause } = error;
  return new ControlPlaneError(error.code, error.message.replaceAll(error.field, field), {
    reason,
    field,
    metadata: metadata["field"] === undefined ? metadata : { ...metadata, field },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Runs a command whose refusals name bare fields, for an event: `outputUri` becomes `data.outputUri`. */
export async function underData<Value>(command: () => Promise<Value>): Promise<Value> {
  try {
    return await command();
  } catch (error) {
    throw renamed(error, (field) => (field.startsWith("data.") ? field : `data.${field}`));
  }
}

/** Runs a command whose refusals name fields of an event, for a native call: `data.artifact.uri` becomes `artifact.uri`. */
export async function withoutData<Value>(command: () => Promise<Value>): Promise<Value> {
  try {
    return await command();
  } catch (error) {
    throw renamed(error, (field) => (field.startsWith("data.") ? field.slice("data.".length) : field));
  }
}
