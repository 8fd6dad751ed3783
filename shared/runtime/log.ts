// Structured log lines as Cloud Logging reads them. Secrets are taken out by the path of their field.
import { type DestinationStream, pino, stdSerializers } from "pino";

/** What a line is about, for programs: ids, names, counts. An `error` field is written with its code, reason and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log of one process. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Field names whose values are never written, at the top and one and two levels down. */
const SECRET_FIELDS = [
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
];

const bracket = (field: string): string => `["${field}"]`;
const REDACTED = SECRET_FIELDS.flatMap((field) => [
  bracket(field),
  `*${bracket(field)}`,
  `*.*${bracket(field)}`,
]);

/** LogSeverity names of Cloud Logging. */
const SEVERITIES: Readonly<Record<string, string>> = {
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

/** A log that writes one JSON object a line to the destination (default: standard output). */
export function createLog(service: string, destination?: DestinationStream): Log {
  const options = {
    base: { service },
    messageKey: "message",
    errorKey: "error",
    timestamp: () => `,"time":"${new Date(performance.timeOrigin + performance.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ severity: SEVERITIES[label] ?? "DEFAULT" }) },
    serializers: { error: stdSerializers.errWithCause },
    redact: { paths: REDACTED, censor: "[redacted]" },
  };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  return {
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}
