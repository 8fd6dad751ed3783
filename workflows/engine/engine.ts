// The Cloud Workflows engine as a library: compile a file, then run it on your own journal, driver and clock.
export { compile, type Compiled } from "./compile/compile.ts";
export type { Program, StepInfo } from "./compile/program.ts";
export { parseTree } from "./parse/parse-tree.ts";
export type * from "./parse/tree.ts";
export type { Expression } from "./expressions/expression.ts";
export { formatProblem, type Problem } from "./parse/problem.ts";
export {
  advance,
  cancel,
  complete,
  fireTimer,
  outstanding,
  receive,
  start,
  type CallbackStatus,
  type Turn,
} from "./machine/machine.ts";
export { resume, type Resumed } from "./machine/resume.ts";
export type { Machine } from "./machine/state.ts";
export type { Observer } from "./machine/run.ts";
export {
  NonDeterminismError,
  type ExecutionError,
  type JournalEntry,
  type Outcome,
  type StartOptions,
  type TraceElement,
} from "./machine/journal.ts";
export {
  failure,
  jsonResponse,
  textResponse,
  unknownConnector,
  type Auth,
  type Body,
  type CallbackHttpRequest,
  type ConnectorRequest,
  type EffectRequest,
  type EffectResult,
  type FailureTag,
  type HttpRequest,
} from "./machine/request.ts";
export {
  execute,
  launch,
  type ExecuteOptions,
  type Execution,
  type JournalStore,
  type Perform,
  type WorkflowClock,
} from "./drivers/execute.ts";
export { createVirtualClock, type VirtualClock } from "./drivers/virtual-clock.ts";
export {
  createMemoryJournal,
  createScriptedDriver,
  type ScriptedDriver,
  type ScriptLine,
} from "./drivers/scripted.ts";
export { snapshot, restore, type Snapshot } from "./machine/snapshot.ts";
export {
  activeCallbacks,
  currentSteps,
  stepEntries,
  variablesOf,
  type StepEntry,
} from "./machine/inspect.ts";
export { CassetteError, createRecordingDriver, createReplayDriver, type Take } from "./drivers/cassette.ts";
export { createChaosDriver, type ChaosOptions, type Fault } from "./drivers/chaos.ts";
export {
  monthlyCost,
  STEP_PRICES,
  stepBills,
  stepCount,
  stepVisits,
  type StepBill,
  type StepCount,
} from "./accounting/cost.ts";
export { coverage, coveredShare, type CoverageItem } from "./accounting/coverage.ts";
export { CHOICES } from "./choices.ts";
export { RESPONSE_BYTES_MAX as HTTP_RESPONSE_BYTES_MAX } from "./limits.ts";
export type { Value } from "./values/value.ts";
export { fromPlain, prettyJson, toPlain } from "./values/json.ts";
