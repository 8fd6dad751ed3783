// Starts a connector call.
import type { Begun } from "../machine/effects.ts";
import type { Run } from "../machine/run.ts";
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";

/** Starts a connector call. @throws {WorkflowError} SystemError for a connector without an entry in the table. */
export function beginConnector(_run: Run, name: string, _args: ReadonlyMap<string, Value>): Begun {
  throw runtimeError(
    "SystemError",
    `unknown connector ${name}; add a request builder for it to the table of connectors`,
  );
}
