// Starts a connector call: arguments into the first request.
import { asMap, asNumeric, asString } from "../library/library-function.ts";
import { HTTP_TIMEOUT_SECONDS_MAX, SLEEP_SECONDS_MAX } from "../limits.ts";
import type { Begun } from "../machine/effects.ts";
import { httpRequest, scopesOf } from "../machine/http.ts";
import type { HttpRequest } from "../machine/request.ts";
import type { Run } from "../machine/run.ts";
import { encodeJson } from "../values/json.ts";
import { mapOf, type Value } from "../values/value.ts";
import { keyError, runtimeError } from "../values/workflow-error.ts";
import type { ConnectorOptions } from "./connector-call.ts";
import { findConnector, type ConnectorEntry } from "./table.ts";

type Args = ReadonlyMap<string, Value>;

const TIMEOUT_SECONDS_DEFAULT = 1800;
const POLL_DELAY_SECONDS_DEFAULT = 1;
const POLL_MULTIPLIER_DEFAULT = 1.25;
const POLL_DELAY_SECONDS_MAX_DEFAULT = 60;

/** Starts a connector call. One without an entry in the table is left to the driver whole. */
export function beginConnector(run: Run, name: string, args: Args): Begun {
  const entry = findConnector(name);
  if (entry === undefined)
    return { request: { kind: "connector", name, args: encodeJson(args) }, after: { kind: "body" } };
  const options = optionsOf(args.get("connector_params"), entry);
  const request = firstRequest(run, name, entry, args, options);
  const { nowMs: startedMs } = run;
  const call = {
    name,
    phase: "call",
    next: "call",
    request,
    retries: 0,
    polls: 0,
    startedMs,
    options,
  } as const;
  return { request, after: { kind: "connector", call } };
}

function optionsOf(value: Value | undefined, { longRunning }: ConnectorEntry): ConnectorOptions {
  const params =
    value === undefined || value === null ? new Map<string, Value>() : asMap(value, "connector_params");
  for (const key of params.keys()) {
    if (!["timeout", "polling_policy", "skip_polling", "scopes"].includes(key))
      throw runtimeError("ValueError", `connector_params has no key ${JSON.stringify(key)}`);
  }
  const max = longRunning === undefined ? HTTP_TIMEOUT_SECONDS_MAX : SLEEP_SECONDS_MAX;
  const timeoutSeconds = Number(
    asNumeric(params.get("timeout") ?? TIMEOUT_SECONDS_DEFAULT, "connector_params.timeout"),
  );
  if (!(timeoutSeconds > 0 && timeoutSeconds <= max))
    throw runtimeError("ValueError", `connector_params.timeout must be above 0 and at most ${max} seconds`);
  const policy = asMap(params.get("polling_policy") ?? new Map(), "connector_params.polling_policy");
  const read = (key: string, fallback: number): number =>
    Number(asNumeric(policy.get(key) ?? fallback, `polling_policy.${key}`));
  return {
    timeoutSeconds,
    skipPolling: params.get("skip_polling") === true,
    initialDelay: read("initial_delay", POLL_DELAY_SECONDS_DEFAULT),
    multiplier: read("multiplier", POLL_MULTIPLIER_DEFAULT),
    maxDelay: read("max_delay", POLL_DELAY_SECONDS_MAX_DEFAULT),
    scopes: scopesOf(params.get("scopes")),
  };
}

function firstRequest(
  run: Run,
  name: string,
  entry: ConnectorEntry,
  args: Args,
  options: ConnectorOptions,
): HttpRequest {
  const given =
    entry.helper === undefined
      ? restArguments(run, entry, args)
      : helperArguments(run, entry, entry.helper, args);
  return connectorRequest(name, entry.method, given, options);
}

/** A request of a connector, with a token for Google's APIs. */
export function connectorRequest(
  name: string,
  method: string,
  { url, query, body }: { readonly url: string; readonly query?: Value; readonly body?: Value },
  { scopes, timeoutSeconds }: ConnectorOptions,
): HttpRequest {
  const auth = mapOf(scopes.length === 0 ? { type: "OAuth2" } : { type: "OAuth2", scopes });
  const args: Record<string, Value> = {
    url,
    auth,
    timeout: Math.min(timeoutSeconds, HTTP_TIMEOUT_SECONDS_MAX),
  };
  if (query !== undefined) args["query"] = query;
  if (body !== undefined) args["body"] = body;
  return { ...httpRequest(method, new Map(Object.entries(args))), connector: name };
}

/** The mechanical rule: path parameters by name, `body` as the body, everything else in the query. */
function restArguments(
  run: Run,
  { url }: ConnectorEntry,
  args: Args,
): { url: string; query: Value; body?: Value } {
  const used = new Set(["body", "connector_params", "location"]);
  const filled = url.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    used.add(key);
    const value =
      args.get(key) ?? (key.startsWith("project") ? run.host.env.get("GOOGLE_CLOUD_PROJECT_ID") : undefined);
    if (value === undefined) throw keyError(key);
    return asString(value, key).split("/").map(encodeURIComponent).join("/");
  });
  const body = args.get("body");
  const query = new Map([...args].filter(([key]) => !used.has(key)));
  return { url: filled, query, ...(body === undefined ? {} : { body }) };
}

function environment(run: Run, args: Args, key: string, variable: string): string {
  const value = args.get(key) ?? run.host.env.get(variable);
  if (value === undefined || value === null) throw keyError(key);
  return asString(value, key);
}

function helperArguments(
  run: Run,
  { url }: ConnectorEntry,
  helper: NonNullable<ConnectorEntry["helper"]>,
  args: Args,
): { url: string; body?: Value } {
  const project = `${url}/projects/${environment(run, args, "project_id", "GOOGLE_CLOUD_PROJECT_ID")}`;
  if (helper === "execute") {
    const location = environment(run, args, "location", "GOOGLE_CLOUD_LOCATION");
    const workflow = asString(args.get("workflow_id"), "workflow_id");
    const body: Record<string, Value> = {
      disableConcurrencyQuotaOverflowBuffering: true,
      argument: encodeJson(args.get("argument") ?? null),
    };
    if (args.has("callLogLevel")) body["callLogLevel"] = args.get("callLogLevel") as Value;
    return { url: `${project}/locations/${location}/workflows/${workflow}/executions`, body: mapOf(body) };
  }
  const secret = `${project}/secrets/${asString(args.get("secret_id"), "secret_id")}`;
  if (helper === "access-string") {
    const version = args.get("version") ?? "latest";
    return {
      url: `${secret}/versions/${typeof version === "bigint" ? String(version) : asString(version, "version")}:access`,
    };
  }
  const data = Buffer.from(asString(args.get("data"), "data")).toString("base64");
  return { url: `${secret}:addVersion`, body: mapOf({ payload: mapOf({ data }) }) };
}

/** Whether a call may be repeated after any transient error. */
export function isIdempotent({ method }: HttpRequest): boolean {
  return method === "GET";
}
