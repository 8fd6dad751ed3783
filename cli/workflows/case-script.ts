// The scripted world of a case: which request gets which answer.
import {
  createScriptedDriver,
  failure,
  jsonResponse,
  textResponse,
  type ConnectorRequest,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
  type ScriptedDriver,
} from "../../workflows/engine/engine.ts";
import type { CaseAnswer, CaseEffect, ExpectedCall } from "./case-file.ts";
import { hasParts } from "./subset.ts";

/** A request that the world of a case answers. */
export type WorldRequest = EffectRequest & (HttpRequest | ConnectorRequest);

/** A request that the script of a case does not answer: the case fails with this. */
export class UnscriptedCallError extends Error {
  constructor(request: WorldRequest) {
    const { step, line } = request;
    const what = request.kind === "http" ? `${request.method} ${request.url}` : request.name;
    super(`no effect answers ${what} (step ${JSON.stringify(step)}, line ${line}): add one`);
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

/** What a call may be called in a case: by method and URL, or by the connector that makes it. */
function callNames(request: WorldRequest): readonly string[] {
  if (request.kind === "connector") return [request.name];
  const { connector, method, url } = request;
  return connector === undefined ? [`${method} ${url}`] : [`${method} ${url}`, connector];
}

/** Whether a request is the one that a matcher means. */
export function matches(
  { call, step, body, headers, args }: Omit<CaseEffect, "answers">,
  request: EffectRequest,
): boolean {
  if (request.kind !== "http" && request.kind !== "connector") return false;
  if (call !== undefined && !callNames(request).some((name) => callMatches(call, name))) return false;
  if (step !== undefined && request.step !== step) return false;
  if (request.kind === "connector") {
    const given: unknown = JSON.parse(request.args);
    const { body: sent } = given as { readonly body?: unknown };
    return (
      headers === undefined && hasParts(given, args ?? {}) && (body === undefined || hasParts(sent, body))
    );
  }
  if (args !== undefined) return false;
  if (headers !== undefined && !headersMatch(request.headers, headers)) return false;
  return body === undefined || hasParts(bodyValue(request.body), body);
}

/** Whether a request is the expected call. */
export function isExpected(expected: ExpectedCall, request: WorldRequest): boolean {
  if (typeof expected === "string") return matches({ call: expected }, request);
  const { auth, ...matcher } = expected;
  const used = request.kind === "http" ? (request.auth?.type ?? null) : null;
  return matches(matcher, request) && (auth === undefined || auth === used);
}

function resultOf(answer: CaseAnswer): EffectResult {
  const { status = 200, json, text, headers, failure: tag, message, raises } = answer;
  if (raises !== undefined) return { kind: "raised", value: JSON.stringify(raises) };
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
    throw new UnscriptedCallError(request as WorldRequest);
  };
  const driver = createScriptedDriver([...lines, { when: () => true, answers: [unscripted] }]);
  return {
    ...driver,
    unused: () =>
      own.filter((effect) => !met.has(effect)).map(({ call, step }) => call ?? `step ${step ?? "(any)"}`),
  };
}
