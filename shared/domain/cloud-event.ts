// Reading CloudEvents 1.0 in the JSON format: structured mode (one JSON document) and binary mode (`ce-*` headers).
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and its bindings http-protocol-binding, formats/json-format.
import { ControlPlaneError, invalidArgument } from "./errors.ts";

/** Media type of one event in structured mode. */
export const STRUCTURED_MEDIA_TYPE = "application/cloudevents+json";

/** Longest text of one attribute, in characters. The spec asks only that small events pass. */
export const ATTRIBUTE_CHARACTERS_MAX = 1_024;
/** Attributes of one event, extensions included. */
export const ATTRIBUTES_MAX = 32;

/** An event as it came: the attributes that we use, and its data, not yet checked. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  /** Distributed tracing extension, if it came. */
  readonly traceparent?: string;
  readonly data: unknown;
}

const NAME = /^[a-z0-9]{1,20}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const JSON_MEDIA_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i;

const refuse = (attribute: string, message: string): ControlPlaneError =>
  invalidArgument(attribute, message, "INVALID_CLOUD_EVENT");

function attribute(attributes: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = attributes.get(name);
  if (value === undefined || value === null) return undefined;
  if (
    typeof value !== "string" ||
    value === "" ||
    value.length > ATTRIBUTE_CHARACTERS_MAX ||
    !value.isWellFormed() ||
    /\p{Cc}/u.test(value)
  ) {
    throw refuse(
      name,
      `${name} must be a text of 1 to ${ATTRIBUTE_CHARACTERS_MAX} characters without control characters.`,
    );
  }
  return value;
}

function required(attributes: ReadonlyMap<string, unknown>, name: string): string {
  const value = attribute(attributes, name);
  if (value === undefined)
    throw refuse(name, `${name} is missing: every CloudEvent has specversion, id, source and type.`);
  return value;
}

function toCloudEvent(attributes: ReadonlyMap<string, unknown>, data: unknown): CloudEvent {
  if (attributes.size > ATTRIBUTES_MAX)
    throw refuse("event", `The event has more than ${ATTRIBUTES_MAX} attributes: leave out extensions.`);
  for (const [name, value] of attributes) {
    if (!NAME.test(name))
      throw refuse(
        "event",
        `${JSON.stringify(name.slice(0, 40))} is not an attribute name: use 1 to 20 of a-z and 0-9.`,
      );
    // Extensions are not used, and have to be what the specification allows all the same (CloudEvents 1.0.2, type system).
    if (typeof value === "object" && value !== null)
      throw refuse(
        name,
        `${name} is a list or an object: an attribute is a text, a boolean or a whole number.`,
      );
    if (typeof value === "number" && (value | 0) !== value)
      throw refuse(name, `${name} is no whole number of 32 bits: send it as a text.`);
    if (typeof value === "string" && value !== "") attribute(attributes, name);
  }
  const version = required(attributes, "specversion");
  if (version !== "1.0")
    throw refuse(
      "specversion",
      `specversion is ${JSON.stringify(version.slice(0, 20))}: send CloudEvents 1.0.`,
    );
  const contentType = attribute(attributes, "datacontenttype");
  if (contentType !== undefined && !JSON_MEDIA_TYPE.test(contentType)) {
    throw refuse("datacontenttype", "datacontenttype is not JSON: send the data as application/json.");
  }
  const time = attribute(attributes, "time");
  if (time !== undefined && (!TIME.test(time) || Number.isNaN(Date.parse(time)))) {
    throw refuse("time", "time is not an RFC 3339 time such as 2026-03-01T10:42:00Z.");
  }
  const subject = attribute(attributes, "subject");
  const traceparent = attribute(attributes, "traceparent");
  return {
    id: required(attributes, "id"),
    source: required(attributes, "source"),
    type: required(attributes, "type"),
    ...(subject === undefined ? {} : { subject }),
    ...(time === undefined ? {} : { time }),
    ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    data,
  };
}

/** The event of a parsed structured-mode document, or INVALID_ARGUMENT that names the attribute. */
export function fromStructured(document: unknown): CloudEvent {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw refuse("event", "The body is not a JSON object: send one CloudEvent.");
  }
  const attributes = new Map(Object.entries(document));
  if (attributes.has("data_base64"))
    throw refuse("data_base64", "data_base64 is not taken: send the data as JSON in `data`.");
  const data = attributes.get("data");
  attributes.delete("data");
  return toCloudEvent(attributes, data);
}

/** Header values are percent-encoded UTF-8 (HTTP binding 3.1.3.2); what does not decode is refused. */
function decoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch (cause) {
    throw new ControlPlaneError("INVALID_ARGUMENT", `The header ce-${name} is not percent-encoded UTF-8.`, {
      reason: "INVALID_CLOUD_EVENT",
      field: name,
      cause,
    });
  }
}

/** The event of `ce-*` headers (as name and value pairs, so that doubled ones are seen) and a parsed JSON body. */
export function fromBinary(
  headers: readonly (readonly [name: string, value: string])[],
  data: unknown,
): CloudEvent {
  const attributes = new Map<string, unknown>();
  for (const [header, value] of headers) {
    const name = header.toLowerCase();
    if (!name.startsWith("ce-")) continue;
    const key = name.slice("ce-".length);
    if (attributes.has(key)) throw refuse(key, `The header ${name} came twice: send it once.`);
    attributes.set(key, decoded(key, value));
  }
  return toCloudEvent(attributes, data);
}
