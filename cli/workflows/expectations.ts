// What a case expects against what happened, in sentences.
import type { Outcome, StepCount } from "../../workflows/engine/engine.ts";
import type { Expectation, ExpectedCall } from "./case-file.ts";
import { bodyValue, isExpected, type WorldRequest } from "./case-script.ts";
import { hasParts, sameValue } from "./subset.ts";

/** What happened in a case. */
export interface Ran {
  readonly outcome: Outcome;
  readonly calls: readonly WorldRequest[];
  /** `SEVERITY payload`. */
  readonly logs: readonly string[];
  readonly seconds: number;
  readonly steps: StepCount;
}

/** Characters of a value that a message repeats. */
const SHOWN_CHARACTERS_MAX = 600;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

function showOutcome(outcome: Outcome): string {
  if (outcome.state === "SUCCEEDED") return `SUCCEEDED with ${show(JSON.parse(outcome.result))}`;
  if (outcome.state === "CANCELLED") return "CANCELLED";
  return `FAILED with ${show(JSON.parse(outcome.error.payload))}\n${outcome.error.context.split("\n").slice(1).join("\n")}`.trimEnd();
}

/** The state that an expectation means, also where it only says `result` or `error`. */
function expectedState({ state, result, error, failedIn }: Expectation): Outcome["state"] | undefined {
  if (state !== undefined) return state;
  if (error !== undefined || failedIn !== undefined) return "FAILED";
  return result === undefined ? undefined : "SUCCEEDED";
}

function outcomeMismatches(expect: Expectation, outcome: Outcome): string[] {
  const state = expectedState(expect) ?? "SUCCEEDED";
  if (outcome.state !== state) return [`expected ${state}, got ${showOutcome(outcome)}`];
  const found: string[] = [];
  if (outcome.state === "SUCCEEDED" && expect.result !== undefined) {
    const result: unknown = JSON.parse(outcome.result);
    if (!sameValue(result, expect.result))
      found.push(`expected the result ${show(expect.result)}, got ${show(result)}`);
  }
  if (outcome.state !== "FAILED") return found;
  const payload: unknown = JSON.parse(outcome.error.payload);
  if (expect.error !== undefined && !hasParts(payload, expect.error))
    found.push(`expected an error with ${show(expect.error)}, got ${show(payload)}`);
  const step = outcome.error.stackTrace.elements[0]?.step;
  if (expect.failedIn !== undefined && expect.failedIn !== step)
    found.push(`expected step ${show(expect.failedIn)} to fail, it was ${show(step)}`);
  return found;
}

function showCall(request: WorldRequest): string {
  if (request.kind === "connector") return `${request.name} (step ${request.step}, args ${request.args})`;
  const { method, url, step, body } = request;
  return `${method} ${url} (step ${step}${body === undefined ? "" : `, body ${show(bodyValue(body))}`})`;
}

const showExpected = (expected: ExpectedCall | undefined): string =>
  expected === undefined ? "no further call" : typeof expected === "string" ? expected : show(expected);

function callMismatches(expected: readonly ExpectedCall[], calls: Ran["calls"]): string[] {
  for (let index = 0; index < Math.max(expected.length, calls.length); index++) {
    const [wanted, got] = [expected[index], calls[index]];
    if (wanted !== undefined && got !== undefined && isExpected(wanted, got)) continue;
    return [
      `call ${index + 1}: expected ${showExpected(wanted)}, got ${got === undefined ? "none" : showCall(got)}`,
    ];
  }
  return [];
}

/** Every expectation that was not met. */
export function mismatches(expect: Expectation, ran: Ran): string[] {
  const found = outcomeMismatches(expect, ran.outcome);
  if (expect.calls !== undefined) found.push(...callMismatches(expect.calls, ran.calls));
  if (expect.logs !== undefined && !sameValue(ran.logs, expect.logs))
    found.push(`expected the log ${show(expect.logs)}, got ${show(ran.logs)}`);
  if (expect.seconds !== undefined && Math.abs(ran.seconds - expect.seconds) > 0.001)
    found.push(`expected ${expect.seconds} virtual seconds, it took ${ran.seconds}`);
  for (const kind of ["internal", "external"] as const) {
    const wanted = expect.steps?.[kind];
    if (wanted !== undefined && wanted !== ran.steps[kind])
      found.push(`expected ${wanted} ${kind} steps, there were ${ran.steps[kind]}`);
  }
  return found;
}
