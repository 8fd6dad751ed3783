// OpenTelemetry, where the standard variables ask for it. Nothing of it is loaded otherwise.
import { randomBytes } from "node:crypto";
import type * as OpenTelemetry from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { formatTraceparent, parseTraceparent } from "../../shared/domain/traceparent.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { type FinishedSpan, type Tracer, useTracer } from "../../shared/runtime/tracing.ts";

/** Spans that wait to be sent; more are dropped. */
export const SPANS_WAITING_MAX = 2_048;
/** How long a stop waits for the last spans to be taken. */
export const TRACING_STOP_TIMEOUT_MS = 3_000;
/** The one protocol that is spoken, the default of the specification. */
const PROTOCOL = "http/protobuf";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the variables of the OpenTelemetry specification ask for traces. */
export function tracesWanted(env: Environment): boolean {
  const said = (name: string): string => env[name]?.trim().toLowerCase() ?? "";
  if (said("OTEL_SDK_DISABLED") === "true") return false;
  const exporter = said("OTEL_TRACES_EXPORTER");
  if (exporter !== "" && exporter !== "otlp") return false;
  return (
    said("OTEL_EXPORTER_OTLP_ENDPOINT") !== "" ||
    said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") !== "" ||
    exporter === "otlp"
  );
}

/** Whether a trace of this id is kept: all spans of one trace alike, in every process. */
export type Keeps = (traceId: string) => boolean;

/** The sampler of `OTEL_TRACES_SAMPLER`; default: all. A parent that is not sampled is followed in any case. */
export function samplerOf(env: Environment, ratio: (share: number) => Keeps): Keeps | undefined {
  const name = (env["OTEL_TRACES_SAMPLER"] ?? "").trim().replace(/^parentbased_/, "");
  if (name === "" || name === "always_on") return () => true;
  if (name === "always_off") return () => false;
  const argument = env["OTEL_TRACES_SAMPLER_ARG"]?.trim() ?? "";
  const share = argument === "" ? 1 : Number(argument);
  return name === "traceidratio" && share >= 0 && share <= 1 ? ratio(share) : undefined;
}

const hrTime = (ms: number): [number, number] => [Math.trunc(ms / 1_000), Math.round((ms % 1_000) * 1e6)];

/** The span as the SDK's processors and exporters take it. */
function readableOf(
  { SpanKind, SpanStatusCode, TraceFlags }: typeof OpenTelemetry,
  { traceparent, parent, name, kind, startMs, endMs, attributes, error }: FinishedSpan,
  resource: Resource,
) {
  const kinds = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL };
  const contextOf = (text: string) => {
    const { traceId, spanId } = parseTraceparent(text) ?? { traceId: "", spanId: "" };
    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  };
  const context = contextOf(traceparent);
  return {
    name,
    kind: kinds[kind],
    spanContext: () => context,
    ...(parent === "" ? {} : { parentSpanContext: { ...contextOf(parent), isRemote: true } }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(Math.max(0, endMs - startMs)),
    status: { code: error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: { ...attributes, ...(error === undefined ? {} : { "error.type": error }) },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "signalbox" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Who tells: the whole control plane in one process, or one of its services. */
const namesOf = (service: string | undefined): Record<string, string> =>
  service === undefined
    ? { "service.name": "signalbox" }
    : { "service.name": service, "service.namespace": "signalbox" };

async function startTracing(env: Environment, log: Log, service: string | undefined) {
  const api = await import("@opentelemetry/api");
  const { BatchSpanProcessor, SamplingDecision, TraceIdRatioBasedSampler } =
    await import("@opentelemetry/sdk-trace");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  const {
    defaultResource,
    detectResources,
    resourceAttributesEnvDetector,
    serviceNameEnvDetector,
    resourceFromAttributes,
  } = await import("@opentelemetry/resources");

  const keeps = samplerOf(env, (share) => {
    const sampler = new TraceIdRatioBasedSampler(share);
    return (traceId) =>
      sampler.shouldSample(api.ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
  });
  if (keeps === undefined)
    log.warn(
      { sampler: env["OTEL_TRACES_SAMPLER"] },
      "OTEL_TRACES_SAMPLER or its argument is not known: all traces are kept.",
    );
  const resource = defaultResource()
    .merge(resourceFromAttributes(namesOf(service)))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    maxQueueSize: SPANS_WAITING_MAX,
  });
  const emit = (span: FinishedSpan): void => {
    const place = parseTraceparent(span.traceparent);
    if (place?.sampled === true && keeps?.(place.traceId) !== false)
      processor.onEnd(readableOf(api, span, resource));
  };
  return { emit, shutdown: () => processor.shutdown() };
}

/** A tracer over what takes finished spans. */
const tracerOf = (emit: Tracer["emit"]): Tracer => ({
  emit,
  child(parent) {
    const above = parseTraceparent(parent);
    const traceId = above?.traceId ?? randomBytes(16).toString("hex");
    return formatTraceparent({
      traceId,
      spanId: randomBytes(8).toString("hex"),
      sampled: above?.sampled ?? true,
    });
  },
});

/**
 * Starts to trace if the environment asks for it; answers how to stop, after which the last spans are sent. `service` is given by one
 * that runs in a process of its own.
 */
export async function openTracing(
  env: Environment,
  log: Log,
  service?: string,
): Promise<() => Promise<void>> {
  if (!tracesWanted(env)) return async () => undefined;
  const protocol = env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ?? env["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "";
  if (protocol !== "" && protocol !== PROTOCOL) {
    log.error(
      { protocol },
      `OTEL_EXPORTER_OTLP_PROTOCOL is not spoken here, so nothing is traced: set it to ${PROTOCOL}.`,
    );
    return async () => undefined;
  }
  const { emit, shutdown } = await startTracing(env, log, service);
  const stopUsing = useTracer(tracerOf(emit));
  log.info({}, "traces are sent as OpenTelemetry's variables say");
  return async () => {
    stopUsing();
    const late = new Promise<void>((resolve) => setTimeout(resolve, TRACING_STOP_TIMEOUT_MS).unref());
    await Promise.race([
      shutdown().catch((error: unknown) => log.warn({ error }, "The last spans could not be sent.")),
      late,
    ]);
  };
}
