// One address for the tour: deliveries go to the webhook, everything else to the API, as load balancer and DNS do it on Google Cloud.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** An address in front of several. */
export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free loopback port and passes every request on to the port that `portOf` names. */
export async function startFront(portOf: (path: string) => number): Promise<Front> {
  const server = createServer((incoming, answer) => {
    const port = portOf(incoming.url ?? "/");
    const { host: _host, ...headers } = incoming.headers;
    const passed = request(
      { host: "127.0.0.1", port, path: incoming.url, method: incoming.method, headers },
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
