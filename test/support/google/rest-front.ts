// A loopback HTTP server in front of a fake of a Google REST API, which loses, refuses and delays what it is told to.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { OAuth2Client } from "google-auth-library";

/** A request as a fake sees it. */
export interface RestRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What a fake answers. A body that is no Buffer is sent as JSON. */
export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A fake: it keeps state, and knows nothing of faults. */
export type RestFake = (request: RestRequest) => RestAnswer | Promise<RestAnswer>;

/** What goes wrong with a request. A lost reply did its work; a refused or a silent one did not. */
export type Fault =
  | { readonly kind: "lost reply" }
  | { readonly kind: "silence" }
  | { readonly kind: "late"; readonly until: Promise<unknown> }
  | { readonly kind: "refused"; readonly status: number; readonly code: string }
  | { readonly kind: "answered"; readonly answer: (usual: RestAnswer) => RestAnswer };

interface Planned {
  readonly match: RegExp;
  readonly fault: Fault;
  left: number;
}

/** The body of an error, as every Google REST API has it (google/rpc/error format of AIP-193). */
export function restError(status: number, code: string, message: string): RestAnswer {
  return { status, body: { error: { code: status, message, status: code, details: [] } } };
}

/** A front that is listening. */
export interface RestFront {
  readonly port: number;
  readonly url: string;
  /** `METHOD /path` of every request so far. */
  readonly requests: string[];
  /** The next `times` requests whose `METHOD /path` matches fail so. */
  readonly fail: (match: RegExp, fault: Fault, times?: number) => void;
  readonly close: () => Promise<void>;
}

function send(response: ServerResponse, { status, body, headers = {} }: RestAnswer): void {
  const isBytes = Buffer.isBuffer(body);
  const type = isBytes ? "application/octet-stream" : "application/json";
  response.writeHead(status, { "content-type": type, ...headers });
  response.end(isBytes ? body : JSON.stringify(body));
}

/** Puts a server in front of a fake, on a free port of loopback. */
export async function createRestFront(fake: RestFake): Promise<RestFront> {
  const requests: string[] = [];
  const planned: Planned[] = [];
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams: query } = new URL(incoming.url ?? "/", "http://fake");
    const { method = "GET", headers } = incoming;
    const request = {
      method,
      path: decodeURIComponent(pathname),
      query,
      headers,
      body: await buffer(incoming),
    };
    const line = `${method} ${request.path}`;
    requests.push(line);
    const plan = planned.find(({ match, left }) => left > 0 && match.test(line));
    if (plan !== undefined) plan.left -= 1;
    const fault = plan?.fault;
    if (fault?.kind === "silence") return;
    if (fault?.kind === "refused")
      return send(response, restError(fault.status, fault.code, "Refused on purpose."));
    const answer = await fake(request);
    if (fault?.kind === "lost reply") return void response.destroy();
    if (fault?.kind === "late") await fault.until;
    send(response, fault?.kind === "answered" ? fault.answer(answer) : answer);
  };
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      send(response, restError(500, "INTERNAL", `The fake broke: ${String(error)}`));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    fail: (match, fault, times = 1) => void planned.push({ match, fault, left: times }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A sign-in that is accepted everywhere and asks nobody. */
export function testSignIn(token = "test-token-never-logged"): OAuth2Client {
  const client = new OAuth2Client();
  client.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 });
  return client;
}

/** Options by which a generated client of Google's talks REST to a front. Every request carries this token. */
export function clientOptions({ port }: Pick<RestFront, "port">, token?: string) {
  return {
    fallback: true,
    protocol: "http",
    apiEndpoint: "127.0.0.1",
    port,
    authClient: testSignIn(token) as never,
    projectId: "p",
  } as const;
}
