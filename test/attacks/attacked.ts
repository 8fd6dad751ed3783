// A whole control plane to be attacked, and the tools of whoever attacks it: raw bytes, forged deliveries, stolen tokens.
import { createHmac, randomUUID } from "node:crypto";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect } from "vitest";
import { markVersionGood, moveTraffic, readTraffic, resumeEndpoint } from "../../shared/runtime/traffic.ts";
import { rawExchange } from "../services/door.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";

const SETUP_MS = 60_000;

/** A header of a raw request; one name may come twice. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

/** An answer, with its body as JSON where it is JSON. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The error's stable reason, if it is one of ours. */
  readonly reason: string | undefined;
}

/** What a test does to the control plane. */
export interface Attacked {
  readonly at: () => TestInstallation;
  readonly port: () => number;
  /** `Authorization` of a person. */
  as(person: "admin" | "ada" | "grace"): readonly [string, string];
  /** Sends one request with exactly these headers besides Host and Content-Length. */
  send(method: string, path: string, headers?: RawHeaders, body?: string | Buffer): Promise<RawAnswer>;
  /** Posts JSON in somebody's name. */
  post(path: string, json: string, person?: "admin" | "ada" | "grace"): Promise<RawAnswer>;
  /** Sends bytes and answers what came back until the other side closed. */
  raw(
    bytes: string | Uint8Array,
    limitMs?: number,
  ): Promise<{ readonly text: string; readonly closed: boolean }>;
  /** Sends the same request many times at once on one connection; answers the statuses and everything that came back. */
  pipelined(
    path: string,
    authorization: string,
    count: number,
  ): Promise<{ readonly statuses: readonly number[]; readonly text: string }>;
  /** A connection on which nothing was sent yet. */
  socket(): Promise<Socket>;
  /** A signature of a body as the code host makes it. */
  signed(body: string | Buffer, secret?: string): string;
  /** Posts a delivery; every part can be forged. */
  deliver(body: string | Buffer, forged?: Forged): Promise<RawAnswer>;
  /** Number of facts, of everything or of what lies below a name. */
  facts(below?: string): Promise<number>;
  /** Number of receipts, of at most a thousand. */
  receipts(): Promise<number>;
}

/** Parts of a delivery that differ from an honest one. */
export interface Forged {
  readonly event?: string;
  readonly guid?: string;
  readonly signatures?: readonly string[];
  readonly headers?: RawHeaders;
  readonly contentType?: string;
}

const COUNTED_MAX = 1_000;

function reasonOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { details?: readonly { reason?: string }[] } };
    return error?.details?.[0]?.reason;
  } catch {
    return undefined;
  }
}

/** One request with raw headers. */
export function sendRaw(
  port: number,
  method: string,
  path: string,
  headers: RawHeaders,
  body: string | Buffer = "",
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const names = new Set(headers.map(([name]) => name.toLowerCase()));
    const all = [
      ...(names.has("host") ? [] : [["host", `127.0.0.1:${port}`]]),
      ...(method === "GET" && body.length === 0 ? [] : [["content-length", String(Buffer.byteLength(body))]]),
      ...headers,
    ];
    const call = request({ host: "127.0.0.1", port, method, path, headers: all.flat(), agent: false });
    call.once("error", reject);
    call.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.once("error", reject);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          reason: reasonOf(text),
        });
      });
    });
    call.end(body);
  });
}

/** Starts a control plane for the tests of this file. */
export function attacked(options: Parameters<typeof startTestInstallation>[0] = {}): Attacked {
  let installation: TestInstallation | undefined;
  beforeAll(async () => {
    installation = await startTestInstallation(options);
  }, SETUP_MS);
  afterAll(() => installation?.close());
  const at = (): TestInstallation => {
    if (installation === undefined) throw new Error("The installation has not been started.");
    return installation;
  };
  const port = (): number => Number(new URL(at().url).port);
  const as = (person: string) => ["authorization", `Bearer ${at().tokens.get(person) ?? ""}`] as const;
  const send = (method: string, path: string, headers: RawHeaders = [], body: string | Buffer = "") =>
    sendRaw(port(), method, path, headers, body);
  const signed = (body: string | Buffer, secret = at().keys.webhookSecret) =>
    `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  return {
    at,
    port,
    as,
    send,
    signed,
    post: (path, json, person = "admin") =>
      send("POST", path, [as(person), ["content-type", "application/json"]], json),
    raw: (bytes, limitMs) => rawExchange(port(), bytes, limitMs),
    async pipelined(path, authorization, count) {
      const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\n`;
      const bytes = `${`${head}\r\n`.repeat(count - 1)}${head}connection: close\r\n\r\n`;
      const { text } = await rawExchange(port(), bytes, SETUP_MS);
      return { text, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code)) };
    },
    socket: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port: port() }, () => resolve(socket));
        socket.once("error", reject);
        socket.on("error", () => socket.destroy());
      }),
    deliver: (body, { event = "push", guid = randomUUID(), signatures, headers = [], contentType } = {}) =>
      send(
        "POST",
        "/webhooks/github",
        [
          ["content-type", contentType ?? "application/json"],
          ["x-github-event", event],
          ["x-github-delivery", guid],
          ...(signatures ?? [signed(body)]).map((value) => ["x-hub-signature-256", value] as const),
          ...headers,
        ],
        body,
      ),
    facts: async (below = "") =>
      (await at().adapters.ledger.list({ limit: COUNTED_MAX, order: "oldest-first" })).facts.filter(
        ({ subject }) => subject.startsWith(below),
      ).length,
    receipts: async () => (await at().adapters.receipts.list(COUNTED_MAX)).length,
  };
}

/** The endpoint of `servesTwice`, and its versions. */
export const VICTIM = "teams/default/endpoints/ranker";
const versionOf = (id: number): string => `teams/default/models/ranker/versions/${id}`;

/** Gives an endpoint versions 1 and 2, both good: a rollback goes back to 1. */
export async function servesTwice({ adapters }: TestInstallation): Promise<void> {
  if ((await readTraffic(adapters.traffic, VICTIM)).traffic.hold !== null)
    await resumeEndpoint(adapters, VICTIM);
  for (const id of [1, 2]) {
    const { epoch } = (await readTraffic(adapters.traffic, VICTIM)).traffic;
    await moveTraffic(adapters, {
      endpoint: VICTIM,
      expectedEpoch: epoch,
      kind: epoch === 0 ? "first" : "advance",
      to: { [versionOf(id)]: 100 },
      cause: `serves-${id}-${epoch}`,
      actor: "services/rollout",
      reason: "passed",
    });
    await markVersionGood(adapters, VICTIM, versionOf(id));
  }
}

/** The control plane is as well as before: it answers, nothing reached a prototype, and no defect was logged. */
export async function expectUnharmed({ send, at }: Attacked): Promise<void> {
  expect((await send("GET", "/healthz")).status).toBe(200);
  expect(Object.keys(Object.prototype)).toEqual([]);
  const defects = at()
    .log()
    .split("\n")
    .filter((line) => line.includes("A request failed for a reason of ours."));
  expect(defects).toEqual([]);
}
