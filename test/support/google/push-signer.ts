// What Pub/Sub does and its emulator does not: signs each push as the service account of its subscription. Stands between the
// emulator and a service, and counts what is acknowledged.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A service behind the signer. */
export interface SignedTarget {
  /** A function where the service moves while the test runs. */
  readonly url: string | (() => string);
  /** The token of one push. */
  readonly token: () => Promise<string>;
}

/** Starts a signer for these services, by name; closed when the test ends. */
export async function startPushSigner(targets: Readonly<Record<string, SignedTarget>>) {
  const acknowledged = new Map<string, Set<string>>(Object.keys(targets).map((name) => [name, new Set()]));
  const bare: (string | undefined)[] = [];
  const attempts: unknown[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const name = (request.url ?? "").slice(1);
      const target = targets[name];
      const body = await buffer(request);
      const push = JSON.parse(body.toString()) as {
        readonly deliveryAttempt?: unknown;
        readonly message: { readonly messageId: string };
      };
      bare.push(request.headers.authorization);
      attempts.push(push.deliveryAttempt);
      const url = typeof target?.url === "function" ? target.url() : target?.url;
      const answer = await fetch(url ?? "", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${(await target?.token()) ?? ""}`,
        },
        body,
      });
      if (answer.status === 204) acknowledged.get(name)?.add(push.message.messageId);
      response.writeHead(answer.status).end();
    })().catch(() => response.writeHead(502).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: (name: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    /** How many messages the service has acknowledged. */
    acknowledged: (name: string): number => acknowledged.get(name)?.size ?? 0,
    /** What the emulator itself sent: authorization headers and delivery attempts. */
    bare,
    attempts,
  };
}
