// One address in front of all services, as load balancer and Cloud Run's own front are on Google Cloud. A push for a service that is
// away is kept and given again when it is back, which is what Pub/Sub promises: its emulator tries a refused connection again within
// a millisecond and uses up all attempts of a message, and has been seen to lose sight of one that was under way. Callers get 503.
// The filters of subscriptions are kept here too: the emulator ignores them, and would wake every service for every fact.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";

/** Between two attempts to reach a service that is away. */
const PUSH_AGAIN_MS = 250;
/** How long a push is kept: shorter than the emulator's deadline of 60 s, after which it pushes again by itself. */
const PUSH_KEPT_MS = 50_000;

/** An address in front of several. */
export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

/** Where a request goes: a port of this machine, the path there, and whether it is given again. */
export interface Way {
  readonly port: number;
  readonly path: string;
  readonly pushed: boolean;
  /** Says of a push whether the subscription's filter lets it through; what it does not want is acknowledged, as Pub/Sub does. */
  readonly wants?: (body: Buffer) => boolean;
}

interface Passed {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  readonly body: Buffer;
}

/** Passes a request on once; false when the service is away and nothing has been answered. */
function pass({ incoming, answer, body }: Passed, { port, path }: Way): Promise<boolean> {
  const { host: _host, ...headers } = incoming.headers;
  return new Promise((resolve) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, method: incoming.method, headers, agent: false },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.on("close", () => resolve(true));
      },
    );
    outgoing.on("error", () => {
      // What has been begun cannot be taken back: whoever called sees that it was cut off.
      if (answer.headersSent) answer.destroy();
      resolve(answer.headersSent);
    });
    outgoing.end(body);
  });
}

async function handle(passed: Omit<Passed, "body">, way: Way): Promise<void> {
  const { incoming, answer } = passed;
  const body = await buffer(incoming);
  if (way.wants?.(body) === false) {
    answer.writeHead(204).end();
    return;
  }
  for (const end = performance.now() + PUSH_KEPT_MS; ; await wait(PUSH_AGAIN_MS)) {
    if (await pass({ ...passed, body }, way)) return;
    if (!way.pushed || answer.destroyed || performance.now() > end) break;
  }
  if (!answer.destroyed) answer.writeHead(503, { "retry-after": "1" }).end("{}");
}

/** Listens on a free loopback port and passes every request on to where `wayOf` says. */
export async function startFront(wayOf: (path: string) => Way): Promise<Front> {
  const server = createServer((incoming, answer) => {
    handle({ incoming, answer }, wayOf(incoming.url ?? "/")).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
