// The door for deliveries of the code host. Receipt first: answered only when the raw delivery is durable, worked on after that.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { deliveryTrace, TAKEN_EVENTS } from "../../shared/domain/delivery.ts";
import { invalidArgument } from "../../shared/domain/errors.ts";
import { VERSION_ID } from "../../shared/domain/names.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import { HttpError } from "../../shared/runtime/errors.ts";
import { rawHeaderValues } from "../../shared/runtime/host-check.ts";
import { bodyLimit, createBodyReader, tooLarge } from "./raw-body.ts";
import { createReceiptQueue, type ReceiptQueue, type ReceiptQueuePorts } from "./receipt-queue.ts";
import { requireSignature, verifySignature } from "./signature.ts";

/** Name under which the webhook's secret is kept. */
export const WEBHOOK_SECRET = "github-webhook";

/** What the webhook needs. */
export interface WebhookPorts extends ReceiptQueuePorts {
  readonly secrets: Secrets;
  /**
   * How long an answer may wait for the work on its delivery. For Cloud Run, which gives an instance no processor once it has
   * answered: what is not done by then waits for the next request, or the schedule. Without it nothing waits.
   */
  readonly workInRequestMs?: number;
}

/** The webhook: its routes, and the queue behind them. */
export interface Webhook extends Pick<ReceiptQueue, "sweep"> {
  /** `POST /webhooks/github`. */
  readonly routes: FastifyPluginAsyncTypebox;
}

const EVENT = /^[a-z][a-z_]{0,63}$/;
const JSON_CONTENT = /^application\/json(?:\s*;\s*charset=utf-8)?\s*$/i;

const header = (request: FastifyRequest, name: string): readonly string[] =>
  rawHeaderValues(request.raw.rawHeaders, name);

function requireOne(request: FastifyRequest, name: string, pattern: RegExp): string {
  const [value, ...more] = header(request, name);
  if (value === undefined || more.length > 0 || !pattern.test(value)) {
    throw invalidArgument(
      name,
      `The header ${name} must be there once, as the code host sends it.`,
      "INVALID_DELIVERY",
    );
  }
  return value;
}

/** What can be refused without reading the body. */
function checkHeaders(request: FastifyRequest): void {
  if (!JSON_CONTENT.test(request.headers["content-type"] ?? "")) {
    throw new HttpError(
      415,
      "INVALID_ARGUMENT",
      "A delivery must be application/json: choose that content type in the webhook's settings.",
      "UNSUPPORTED_MEDIA_TYPE",
      { connection: "close" },
    );
  }
  const limit = bodyLimit(header(request, "x-github-event")[0]);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  requireSignature(header(request, "x-hub-signature-256"));
}

const bodyHash = (event: string, body: Buffer): string =>
  `sha256:${createHash("sha256").update(`${event}\n`).update(body).digest("hex")}`;

/** Resolves with the work, or after this time without it: the receipt is durable either way. */
async function atMost(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, clock.sleep(ms, done.signal)]);
  done.abort();
}

async function receive(ports: WebhookPorts, queue: ReceiptQueue, request: FastifyRequest) {
  const body = request.body as Buffer;
  const signature = requireSignature(header(request, "x-hub-signature-256"));
  const secret = await ports.secrets.get(WEBHOOK_SECRET);
  const signedBy = verifySignature(secret, body, signature);
  const event = requireOne(request, "x-github-event", EVENT);
  const guid = requireOne(request, "x-github-delivery", VERSION_ID);
  if (signedBy === "previous") {
    ports.log.warn(
      { delivery: guid, event },
      "A delivery was signed with the previous secret: the code host has not changed over yet.",
    );
  }
  const receipt = {
    guid,
    event,
    bodyHash: bodyHash(event, body),
    // Nobody reads the body of an event that is not acted on, and it may be large.
    body: TAKEN_EVENTS.has(event) ? body : new Uint8Array(),
    receivedAt: ports.clock.now().toISOString(),
  };
  const put = await ports.receipts.put(receipt);
  const known = put.kind === "duplicate" ? put.guid : guid;
  if (put.kind === "stored" || !put.settled) {
    const worked = put.kind === "stored" ? queue.take(receipt) : queue.sweep();
    if (ports.workInRequestMs !== undefined) await atMost(ports.clock, ports.workInRequestMs, worked);
  }
  return { name: `deliveries/${known}`, duplicate: put.kind === "duplicate" };
}

const Accepted = Type.Object({
  /** The delivery under which this content is known. */
  name: Type.String(),
  /** Whether its content or its id had come before; then nothing new happens. */
  duplicate: Type.Boolean(),
});

/** The webhook over these ports. Call `sweep()` at the start and from time to time: it takes up what was left pending. */
export function createWebhook(ports: WebhookPorts): Webhook {
  const queue = createReceiptQueue(ports);
  const readBody = createBodyReader();
  const routes: FastifyPluginAsyncTypebox = async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (request: FastifyRequest, stream: IncomingMessage) =>
      readBody(stream, bodyLimit(header(request, "x-github-event")[0])),
    );
    const options = {
      config: {
        role: "public" as const,
        lane: "deliveries" as const,
        storyOf: (request: FastifyRequest) => {
          const [guid] = header(request, "x-github-delivery");
          return guid === undefined ? undefined : deliveryTrace(guid);
        },
      },
      schema: { response: { 202: Accepted } },
      onRequest: async (request: FastifyRequest) => checkHeaders(request),
    };
    app.post("/webhooks/github", options, async (request, reply) =>
      reply.code(202).send(await receive(ports, queue, request)),
    );
  };
  return { routes, sweep: () => queue.sweep() };
}
