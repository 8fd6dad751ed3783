// One address in front of all services, as load balancer and Cloud Run's own front are on Google Cloud. It answers 503 for a service
// that is away: the Pub/Sub emulator tries a refused connection again within a millisecond, and would use up all attempts of a
// message before a killed service is back; after a 503 it waits as its retry policy says.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** An address in front of several. */
export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

/** Where a request goes: a port of this machine, and the path there. */
export interface Way {
  readonly port: number;
  readonly path: string;
}

/** Listens on a free loopback port and passes every request on to where `wayOf` says. */
export async function startFront(wayOf: (path: string) => Way): Promise<Front> {
  const server = createServer((incoming, answer) => {
    const { port, path } = wayOf(incoming.url ?? "/");
    const { host: _host, ...headers } = incoming.headers;
    const passed = request(
      { host: "127.0.0.1", port, path, method: incoming.method, headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      },
    );
    // The service is being started again: whoever calls tries again, as with any outage.
    passed.on("error", () => {
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(503, { "retry-after": "1" }).end("{}");
    });
    incoming.pipe(passed);
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
