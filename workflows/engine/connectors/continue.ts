// Goes on with a connector call when one of its requests has an answer.
import type { Slot } from "../compile/program.ts";
import { httpValue } from "../machine/http.ts";
import type { EffectResult } from "../machine/request.ts";
import type { Run } from "../machine/run.ts";
import type { Thread } from "../machine/state.ts";
import { getMember } from "../expressions/evaluate.ts";
import type { Value } from "../values/value.ts";
import type { ConnectorCall } from "./connector-call.ts";

/** The value of the call, or undefined when it has issued another request. @throws {WorkflowError} when it failed. */
export function continueConnector(
  _run: Run,
  _thread: Thread,
  _call: ConnectorCall,
  result: EffectResult,
  _into: Slot | undefined,
): Value | undefined {
  return getMember(httpValue(result), "body");
}
