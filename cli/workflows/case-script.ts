// The scripted world of a case: which request gets which answer.
import {
  createScriptedDriver,
  failure,
  jsonResponse,
  textResponse,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
  type ScriptedDriver,
} from "../../workflows/engine/engine.ts";
import type { CaseAnswer, CaseEffect, ExpectedCall } from "./case-file.ts";
import { hasParts } from "./subset.ts";

/** A request that the script of a case does not answer: the case fails with this. */
export class UnscriptedCallError extends Error {
  constructor(request: EffectRequest & HttpRequest) {
    const { method, url, step, line } = request;
    super(`no effect answers ${method} ${url} (step ${JSON.stringify(step)}, line ${line}): add one`);
    this.name = "UnscriptedCallError";
  }
}

/** The body of a request or response as JSON where it is JSON, else as text. */
export function bodyValue(body: HttpRequest["body"]): unknown {
  if (body === undefined) return null;
  const text = body.encoding === "utf8" ? body.data : Buffer.from(body.data, "base64").toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: then the text itself is what a case can compare with.
    return text;
  }
}

function headersMatch(headers: HttpRequest["headers"], wanted: Readonly<Record<string, string>>): boolean {
  const known = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
  return Object.entries(wanted).every(([key, value]) => known[key.toLowerCase()] === value);
}

function callMatches(pattern: string, call: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(call);
}

/** Whether a request is the one that a matcher means. */
export function matches(
  { call, step, body, headers }: Omit<CaseEffect, "answers">,
  request: EffectRequest,
): boolean {
  if (request.kind !== "http") return false;
  if (call !== undefined && !callMatches(call, `${request.method} ${request.url}`)) return false;
  if (step !== undefined && request.step !== step) return false;
  if (headers !== undefined && !headersMatch(request.headers, headers)) return false;
  return body === undefined || hasParts(bodyValue(request.body), body);
}

/** Whether a request is the expected call. */
export function isExpected(expected: ExpectedCall, request: EffectRequest & HttpRequest): boolean {
  if (typeof expected === "string") return matches({ call: expected }, request);
  const { auth, ...matcher } = expected;
  return matches(matcher, request) && (auth === undefined || auth === (request.auth?.type ?? null));
}

function resultOf(answer: CaseAnswer): EffectResult {
  const { status = 200, json, text, headers, failure: tag, message } = answer;
  if (tag !== undefined) return failure(tag, message ?? "scripted");
  if (text !== undefined) return textResponse(status, text, headers);
  if (json !== undefined) return jsonResponse(status, json, headers);
  return { kind: "http", status, headers: headers ?? {} };
}

/** A driver from the effects of a case, then those of the file. `unused` names effects of the case that no request met. */
export function createCaseDriver(
  own: readonly CaseEffect[],
  shared: readonly CaseEffect[],
): ScriptedDriver & { unused(): readonly string[] } {
  const met = new Set<CaseEffect>();
  const lines = [...own, ...shared].map((effect) => ({
    when: (request: EffectRequest) => matches(effect, request) && met.add(effect).size > 0,
    answers: effect.answers.flatMap((answer) =>
      Array.from({ length: answer.times ?? 1 }, () => resultOf(answer)),
    ),
  }));
  const unscripted = (request: EffectRequest): EffectResult => {
    throw new UnscriptedCallError(request as EffectRequest & HttpRequest);
  };
  const driver = createScriptedDriver([...lines, { when: () => true, answers: [unscripted] }]);
  return {
    ...driver,
    unused: () =>
      own.filter((effect) => !met.has(effect)).map(({ call, step }) => call ?? `step ${step ?? "(any)"}`),
  };
}
