// The door of a fact service that runs alone, on functions-framework: pushes of Pub/Sub in, acknowledgements out.
// Status codes are the protocol: 204 is done, not wanted, or kept as a dead letter; 5xx asks for the message again.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { HttpFunction } from "@google-cloud/functions-framework";
import { type ControlPlaneError, ERROR_CODES, isTransient } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import { coalesced } from "./coalesce.ts";
import { withDeadline } from "./deadline.ts";
import { deliver, type DeliverPorts, HANDLER_TIME_MAX_MS } from "./deliver.ts";
import { keepAnswers } from "./drain.ts";
import type { FactService } from "./fact-service.ts";
import { openedOnce } from "./opened-once.ts";
import { toControlPlaneError } from "./errors.ts";
import { acceptHint, hintAt, type Hints } from "./hints.ts";
import { FACT_BYTES_MAX } from "./parse.ts";
import { answerProbe, isProbe } from "./probes.ts";
import { type PushGuard, tokenGuard } from "./push-guard.ts";
import { factOfPush, isForOthers, pushDigest, subscriptionOfPush } from "./push-message.ts";

/** Bytes of one push: a fact in base64, and its envelope. */
export const PUSH_BYTES_MAX = Math.ceil((FACT_BYTES_MAX * 4) / 3) + 16_384;
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Path that a scheduler calls to let the service put things right. */
const RECONCILE_PATH = "/reconcile";

/** What is looked at when the clock or a hint says so: one pass at a time, until what it started has ended. */
function passOf(service: FactService, { clock }: DeliverPorts): () => Promise<void> {
  return coalesced(() =>
    withDeadline(clock, HANDLER_TIME_MAX_MS, `A pass of ${service.name}`, async () => {
      await service.reconcile?.();
      await service.idle?.();
    }),
  );
}

/** Handles one push body and answers the status. What can never be read is kept as a dead letter, so that it does not come back. */
async function acceptPush(service: FactService, ports: DeliverPorts, body: Buffer): Promise<number> {
  const { deadLetters, clock, log } = ports;
  let fact: AnyFact;
  try {
    if (isForOthers(body, service.name)) return 204;
    fact = factOfPush(body);
  } catch (error) {
    if (isTransient(error)) throw error;
    const { reason, message } = error as ControlPlaneError;
    const id = `${service.name}/push-${pushDigest(body)}`;
    log.error({ id, error }, "push cannot be read, kept as a dead letter");
    const payload = body.toString("utf8").toWellFormed();
    await deadLetters.put({
      id,
      service: service.name,
      reason,
      message,
      payload,
      time: clock.now().toISOString(),
    });
    return 204;
  }
  return (await deliver(ports, service, fact)).outcome === "again" ? 503 : 204;
}

/** What a door takes besides facts of anybody. */
export interface DoorOptions {
  /** The one subscription that may push facts: a token that is good at one route is not good at all of them. */
  readonly subscription?: string | undefined;
  readonly hints?: Hints | undefined;
}

/** What becomes of one request, as a status. */
function createTaker(service: FactService, ports: DeliverPorts, options: DoorOptions) {
  const { subscription, hints = {} } = options;
  const { schedules = {} } = service;
  const look = passOf(service, ports);
  return async (path: string, body: Buffer): Promise<number> => {
    if (path === RECONCILE_PATH) {
      await look();
      return 204;
    }
    const work = Object.hasOwn(schedules, path) ? schedules[path] : undefined;
    if (work !== undefined) {
      await withDeadline(ports.clock, HANDLER_TIME_MAX_MS, `${service.name} at ${path}`, work);
      return 204;
    }
    const hint = hintAt(hints, path);
    if (hint !== undefined) return acceptHint(hint, body, { log: ports.log, look });
    const said = subscription === undefined ? undefined : subscriptionOfPush(body);
    if (said === subscription) return acceptPush(service, ports, body);
    ports.log.warn({ subscription: said, expected: subscription }, "push of another subscription refused");
    return 403;
  };
}

/** Name → function, until a server hosts it. */
const functions = new Map<string, HttpFunction>();

/** Registers the service as an HTTP function of its name, for `serveFunction`. A push of another subscription than that of the options is 403. */
export function onFacts(service: FactService, ports: DeliverPorts, options: DoorOptions = {}): void {
  const take = createTaker(service, ports, options);
  functions.set(service.name, async (request, response) => {
    try {
      response.status(await take(request.path, request.rawBody ?? Buffer.alloc(0))).end();
    } catch (error) {
      ports.log.error({ error, path: request.path }, "push not handled, to be given again");
      response.status(503).end();
    }
  });
}

/** The framework with the function, loaded at the first call. */
function frameworkOf(name: string): () => Promise<Server> {
  const hosted = functions.get(name);
  if (hosted === undefined) throw new Error(`No function ${name} is registered: call onFacts first.`);
  return openedOnce(async () => (await import("./function-host.ts")).hostFunction(name, hosted));
}

/** Why a request is turned away before anything reads its body, or undefined. */
async function refusal(
  { method, headers, rawHeaders }: IncomingMessage,
  guard: PushGuard,
): Promise<number | undefined> {
  try {
    await guard(rawHeaders);
  } catch (error) {
    return ERROR_CODES[toControlPlaneError(error).code].http;
  }
  if (method !== "POST") return 405;
  if (headers["content-encoding"] !== undefined) return 415;
  // A length that is said up front is enforced by Node; without one the framework would read up to a gigabyte.
  const length = headers["content-length"];
  if (typeof length !== "string") return 411;
  return Number(length) > PUSH_BYTES_MAX ? 413 : undefined;
}

/** Answers a probe, which comes without a token and from whoever runs the process. False when the request is none. */
function answeredProbe({ method, url = "" }: IncomingMessage, response: ServerResponse): boolean {
  if (method !== "GET" || !isProbe(url)) return false;
  void answerProbe(url).then(({ status, body }) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
  );
  return true;
}

/**
 * Hosts a registered function: the sender and the size are looked at before the framework's parser sees the request, and
 * closing the server lets requests under way finish (the framework's own program cuts them off). `door`: who may push, or
 * the token that both sides were started with.
 */
export function serveFunction(name: string, door: string | PushGuard): Server {
  const framework = frameworkOf(name);
  const guard = typeof door === "string" ? tokenGuard(door) : door;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    if (answeredProbe(request, response)) return;
    void refusal(request, guard).then(async (status) => {
      if (status !== undefined) {
        response.writeHead(status, { connection: "close" }).end();
        return;
      }
      // Bytes, so that the framework's own parser does not read them as JSON: it would answer a stack trace.
      request.headers["content-type"] = "application/octet-stream";
      (await framework()).emit("request", request, response);
    });
  });
  // Whoever waits for the port sees it now, and the first push finds the framework loaded. A framework that cannot be loaded ends the process.
  return keepAnswers(server).once("listening", () => setImmediate(() => void framework()));
}
