// A log that takes only defects seriously: an error that is none of our table's is one.
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { Log, LogFields } from "../../shared/runtime/log.ts";
import type { Observer } from "./observed.ts";

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);

/** The log of one life. */
export function watchfulLog({ broken, history }: Observer, name: string): Log {
  const defect = (fields: LogFields, message: string): void => {
    const { error } = fields as { error?: unknown };
    if (error === undefined || error instanceof ControlPlaneError) return;
    broken(`${name}: ${message} ${textOf(error)}`);
  };
  return {
    info: () => {},
    warn: defect,
    error(fields, message) {
      defect(fields, message);
      const { error } = fields as { error?: unknown };
      if (error !== undefined && !isTransient(error))
        history.add(name, `error ${message} ${error instanceof Error ? error.message : textOf(error)}`);
    },
  };
}
