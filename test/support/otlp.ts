// A receiver of OpenTelemetry's traces on this machine, and as much of protobuf as it takes to read spans.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** One span that came. */
export interface ReceivedSpan {
  /** Who told it: `service.name`. */
  readonly service: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

type Field = readonly [number: number, value: Buffer];

/** The length-delimited fields of a message; others are passed over. */
function fieldsOf(message: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 2) {
      const length = varint();
      fields.push([key >> 3, message.subarray(at, at + length)]);
      at += length;
    } else if (kind === 0) varint();
    else at += kind === 1 ? 8 : 4;
  }
  return fields;
}

const all = (message: Buffer, number: number): readonly Buffer[] =>
  fieldsOf(message).flatMap(([field, value]) => (field === number ? [value] : []));
const one = (message: Buffer, number: number): Buffer => all(message, number)[0] ?? Buffer.alloc(0);

const attributesOf = (pairs: readonly Buffer[]): Readonly<Record<string, string>> =>
  Object.fromEntries(pairs.map((pair) => [one(pair, 1).toString(), one(one(pair, 2), 1).toString()]));

// Numbers of opentelemetry/proto/trace/v1/trace.proto: ResourceSpans.scope_spans 2, ScopeSpans.spans 2, Span.trace_id 1 and on.
// ResourceSpans.resource 1, Resource.attributes 1.
const spanOf = (span: Buffer, service: string): ReceivedSpan => ({
  service,
  trace: one(span, 1).toString("hex"),
  id: one(span, 2).toString("hex"),
  parent: one(span, 4).toString("hex"),
  name: one(span, 5).toString(),
  attributes: attributesOf(all(span, 9)),
});

/** Starts one for the running test; `bytes` is all that ever came. */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const bytes: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      bytes.push(body);
      for (const resource of all(body, 1)) {
        const service = attributesOf(all(one(resource, 1), 1))["service.name"] ?? "";
        for (const scope of all(resource, 2))
          spans.push(...all(scope, 2).map((span) => spanOf(span, service)));
      }
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, bytes };
}
