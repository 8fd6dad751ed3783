// Queries of a Prometheus HTTP API: Managed Service for Prometheus, or any Prometheus. Bounded, and never half an answer.
import { isUtf8 } from "node:buffer";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { type Dispatcher, request } from "undici";
import { ControlPlaneError } from "../../domain/errors.ts";
import { google } from "./errors.ts";

/** Longest wait for one answer. */
export const PROMETHEUS_TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read; a longer one is refused. */
export const PROMETHEUS_ANSWER_BYTES_MAX = 64 * 1_024 * 1_024;
/** The last time that a date can tell (ECMAScript, Time Values and Time Range). */
const TIME_MS_MAX = 8_640_000_000_000_000;

/** Where the series are. */
export interface PrometheusAccess {
  /** Base of the API, before `/api/v1`: see `managedPrometheus`. */
  readonly url: string;
  /** Missing for a Prometheus that asks for none. */
  readonly token?: () => Promise<string>;
  readonly dispatcher?: Dispatcher;
  readonly timeoutMs?: number;
}

/** One series with its samples, oldest first. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly timeMs: number; readonly value: number }[];
}

/** All raw samples that a range selector such as `up{job="x"}[60s]` holds at a time. */
export type PrometheusClient = (selector: string, timeMs: number) => Promise<readonly PrometheusSeries[]>;

/** The API of Managed Service for Prometheus for the series that this project may see. */
export const managedPrometheus = (project: string): string =>
  `https://monitoring.googleapis.com/v1/projects/${encodeURIComponent(project)}/location/global/prometheus`;

const AnswerSchema = Type.Object({
  status: Type.Literal("success"),
  warnings: Type.Optional(Type.Array(Type.String())),
  data: Type.Object({
    resultType: Type.Literal("matrix"),
    result: Type.Array(
      Type.Object({
        metric: Type.Record(Type.String(), Type.String()),
        values: Type.Array(Type.Tuple([Type.Number(), Type.String()])),
      }),
    ),
  }),
});

async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > PROMETHEUS_ANSWER_BYTES_MAX) {
      throw new ControlPlaneError(
        "RESOURCE_EXHAUSTED",
        `The answer about counters is longer than ${PROMETHEUS_ANSWER_BYTES_MAX} bytes: count with fewer labels or processes.`,
        { reason: "METRICS_TOO_LARGE" },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(reason: string, what: string): ControlPlaneError {
  return new ControlPlaneError(
    "UNAVAILABLE",
    `The counters cannot be believed: ${what} Try again in a moment.`,
    { reason },
  );
}

/** A counter as a number. What is no count, or too large to be told from its neighbour, is refused and not rounded. */
function valueOf(text: string, labels: PrometheusSeries["labels"]): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  const series = JSON.stringify(labels).slice(0, 300);
  throw new ControlPlaneError(
    "FAILED_PRECONDITION",
    `${JSON.stringify(text.slice(0, 40))} of the series ${series} is no count: export counters that start at zero and only grow.`,
    { reason: "COUNTER_UNREADABLE", metadata: { series } },
  );
}

/** When a sample was taken; a time that no clock shows is nobody's. */
function timeOf(seconds: number): number {
  const timeMs = Math.round(seconds * 1_000);
  if (Math.abs(timeMs) <= TIME_MS_MAX) return timeMs;
  throw unreadable("METRICS_UNREADABLE", `a sample says that it is of ${seconds} seconds after 1970.`);
}

/** The text, where it is UTF-8: two backends whose names are no text would else become one. */
function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw unreadable("METRICS_UNREADABLE", "the answer is no UTF-8.");
}

function seriesOf(text: string): readonly PrometheusSeries[] {
  const body = parsed(text);
  if (!Value.Check(AnswerSchema, body))
    throw unreadable("METRICS_UNREADABLE", "the answer is not that of a Prometheus to a range.");
  // Half of the series would look like a restart of the others.
  if ((body.warnings ?? []).length > 0)
    throw unreadable("METRICS_PARTIAL", `the answer may lack some (${body.warnings?.[0]?.slice(0, 200)}).`);
  return body.data.result.map(({ metric: labels, values }) => ({
    labels,
    samples: values.map(([seconds, value]) => ({
      timeMs: timeOf(seconds),
      value: valueOf(value, labels),
    })),
  }));
}

/** The words of an error: Prometheus' own, or those of a Google API. */
function saidBy(body: unknown, text: string): string {
  const { error } = (body ?? {}) as { readonly error?: unknown };
  if (typeof error === "string") return error;
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === "string" ? message : text.slice(0, 200);
}

/** A client of one API. */
export function createPrometheusClient(access: PrometheusAccess): PrometheusClient {
  const { url, token, dispatcher, timeoutMs = PROMETHEUS_TIMEOUT_MS } = access;
  return (selector, timeMs) =>
    google("Reading counters", url, async () => {
      const at = new URL(`${url}/api/v1/query`);
      at.searchParams.set("query", selector);
      at.searchParams.set("time", (timeMs / 1_000).toFixed(3));
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(at, {
        signal,
        ...(dispatcher === undefined ? {} : { dispatcher }),
        headers: {
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${await token()}` }),
        },
      });
      const bytes = await read(answer.body);
      if (answer.statusCode === 200) return seriesOf(textOf(bytes));
      const text = bytes.toString("utf8");
      const data = parsed(text);
      throw Object.assign(new Error(saidBy(data, text)), { response: { status: answer.statusCode, data } });
    });
}
