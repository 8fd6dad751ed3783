// Structured log lines as Cloud Logging reads them. Secrets are taken out by the name of their field, by their form, and by
// their value where it is known.
import { type DestinationStream, pino, stdSerializers } from "pino";
import { createRedact, type Redact } from "../domain/redact.ts";

/** What a line is about, for programs: ids, names, counts. An `error` field is written with its code, reason and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log of one process. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** The file of standard output. */
const STANDARD_OUTPUT = 1;

/** What stands in the place of a secret field. */
const CENSORED = "[redacted]";

/** Field names whose values are never written, at any level. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "privateKey",
  "set-cookie",
  "proxy-authorization",
  "x-hub-signature",
  "x-hub-signature-256",
]);

/** LogSeverity names of Cloud Logging. */
const SEVERITIES: Readonly<Record<string, string>> = {
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

/** Levels of a field that are written: an error may carry whole connections, which hold each other. */
const FIELD_DEPTH_MAX = 8;
/** Entries of one level that are written. */
const FIELD_ENTRIES_MAX = 100;

/** What JSON would write of a value, with every text in it redacted and errors told with their causes. */
function cleaned(value: unknown, redact: Redact, depth = 0): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= FIELD_DEPTH_MAX) return "(too deep)";
  if (value instanceof Error) return cleaned({ ...stdSerializers.errWithCause(value) }, redact, depth);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if ("toJSON" in value && typeof value.toJSON === "function")
    return cleaned(value.toJSON(), redact, depth + 1);
  const entries = Object.entries(value).slice(0, FIELD_ENTRIES_MAX);
  const inside = entries.map(
    ([key, item]) =>
      [redact(key), SECRET_FIELDS.has(key) ? CENSORED : cleaned(item, redact, depth + 1)] as const,
  );
  return Array.isArray(value) ? inside.map(([, item]) => item) : Object.fromEntries(inside);
}

/**
 * A log that writes one JSON object a line to the destination (default: standard output). `secrets` are texts that no line
 * shows, besides tokens of known forms.
 */
export function createLog(
  service: string,
  destination?: DestinationStream,
  secrets: readonly string[] = [],
): Log {
  const redact = createRedact(secrets);
  const clean = (fields: LogFields): LogFields => cleaned(fields, redact) as LogFields;
  const options = {
    base: { service },
    messageKey: "message",
    errorKey: "error",
    timestamp: () => `,"time":"${new Date(performance.timeOrigin + performance.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ severity: SEVERITIES[label] ?? "DEFAULT" }) },
    // Errors are plain by now; the default would take them for errors again.
    serializers: { error: (error: unknown) => error },
  };
  // By its number: `process.stdout` would make a whole stream, which nobody writes to.
  const log = pino(options, destination ?? pino.destination({ dest: STANDARD_OUTPUT, minLength: 0 }));
  return {
    info: (fields, message) => log.info(clean(fields), redact(message)),
    warn: (fields, message) => log.warn(clean(fields), redact(message)),
    error: (fields, message) => log.error(clean(fields), redact(message)),
  };
}
