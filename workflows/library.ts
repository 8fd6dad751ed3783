// Workflows inside a program of your own: compile a file, run it, and get a value or an error.
// The engine as a whole, with journals, crashes and interleavings, is in `engine/engine.ts`.
import {
  compile,
  createMemoryJournal,
  createVirtualClock,
  failure,
  jsonResponse,
  launch,
  textResponse,
  unknownConnector,
  type EffectResult,
  type ExecutionError,
  type HttpRequest,
  type EffectRequest,
  type Program,
  type WorkflowClock,
} from "./engine/engine.ts";

export { compile, failure, jsonResponse, textResponse };
export { formatProblem, type Compiled, type Problem, type Program } from "./engine/engine.ts";
export type { EffectResult, ExecutionError, HttpRequest } from "./engine/engine.ts";

/** A call of a workflow to the world, with the step that makes it. */
export type WorkflowCall = HttpRequest & Pick<EffectRequest, "id" | "routine" | "step" | "line">;

/** What a run may be given; everything has a default. */
export interface RunOptions {
  /** The argument: anything that JSON can say. */
  readonly argument?: unknown;
  /** What `sys.get_env` answers. */
  readonly env?: Readonly<Record<string, string>>;
  /** Answers HTTP calls; default: a failure that says that there is no world here. Never throw for a network error: answer `failure(…)`. */
  readonly http?: (call: WorkflowCall, signal: AbortSignal) => EffectResult | Promise<EffectResult>;
  /** Stands in for connectors that the engine has no request for, by name; the body of the answer is the result: `jsonResponse(200, …)`. */
  readonly connectors?: Readonly<Record<string, (args: unknown) => EffectResult | Promise<EffectResult>>>;
  /** Takes what the workflow logs. */
  readonly log?: (severity: string, text: string) => void;
  /** `virtual` (the default): sleeps and retries take no real time. Or a clock of your own, such as the wall's. */
  readonly clock?: "virtual" | WorkflowClock;
  /** Decides UUIDs and the order of parallel branches; the same seed repeats a run. */
  readonly seed?: string;
  /** Aborting cancels the run. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export type RunOutcome =
  | { readonly state: "SUCCEEDED"; readonly result: unknown }
  /** `value` is what the workflow raised; `context` says in which step. */
  | { readonly state: "FAILED"; readonly value: unknown; readonly error: ExecutionError }
  | { readonly state: "CANCELLED" };

const NO_WORLD = "this run was given no http option: it answers calls";

/**
 * Runs a compiled workflow to its end. It resolves also when the workflow fails; it rejects only when an option of yours throws.
 * Integers of a result beyond 2^53 lose digits, as in JSON.parse.
 */
export async function run(program: Program, options: RunOptions = {}): Promise<RunOutcome> {
  const { argument, env, http, connectors = {}, log, clock = "virtual", seed = "seed", signal } = options;
  const { finished } = launch(program, {
    argument: JSON.stringify(argument ?? null),
    env,
    seed,
    signal,
    journal: createMemoryJournal(),
    clock: clock === "virtual" ? createVirtualClock() : clock,
    perform: async (request, aborted) => {
      if (request.kind === "log") {
        log?.(request.severity, request.payload);
        return { kind: "done" };
      }
      if (request.kind === "connector") {
        const { [request.name]: standIn } = connectors;
        return standIn?.(JSON.parse(request.args)) ?? unknownConnector(request);
      }
      if (request.kind !== "http" || http === undefined) return failure("ConnectionFailedError", NO_WORLD);
      return http(request, aborted);
    },
  });
  const outcome = await finished;
  if (outcome.state === "CANCELLED") return { state: "CANCELLED" };
  if (outcome.state === "SUCCEEDED")
    return { state: "SUCCEEDED", result: JSON.parse(outcome.result) as unknown };
  return { state: "FAILED", value: JSON.parse(outcome.error.payload) as unknown, error: outcome.error };
}
