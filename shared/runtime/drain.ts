// Ending in seconds. `close()` alone waits for keep-alive connections and half-sent requests for as long as they like.
import type { Server, ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";

/** How long answers under way are waited for: Cloud Run ends a container 10 s after SIGTERM. */
export const DRAIN_MS = 8_000;
/** How often connections that have become idle are closed while draining. */
const IDLE_CHECK_MS = 200;

/** The part of a fastify server that draining touches, whatever its type provider. */
interface Drainable {
  readonly server: Server;
  addHook(name: "preClose", hook: () => Promise<void>): unknown;
  addHook(name: "onSend", hook: (request: FastifyRequest, reply: FastifyReply) => Promise<void>): unknown;
}

const underWay = new WeakMap<Server, Set<ServerResponse>>();

/** Keeps the answers of a plain server that are still to be given, so that `drain` can make each the last of its connection. */
export function keepAnswers(server: Server): Server {
  const answers = new Set<ServerResponse>();
  underWay.set(server, answers);
  return server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive &&= server.listening;
    answers.add(response);
    response.once("close", () => answers.delete(response));
  });
}

/** Closes a plain server the same way: resolves when every answer under way is given, or after `drainMs`. */
export async function drain(server: Server, drainMs: number = DRAIN_MS): Promise<void> {
  for (const response of underWay.get(server) ?? []) response.shouldKeepAlive = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const force = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(force);
}

/** Makes `close()` end within `drainMs`: answers under way are finished, idle connections closed, the rest cut off. */
export function drainOnClose(app: Drainable, drainMs: number = DRAIN_MS): void {
  const { server } = app;
  let draining = false;
  // Tells the client not to send another request on this connection, so that it becomes idle and is closed.
  app.addHook("onSend", async (_request, reply) => {
    if (draining) reply.raw.setHeader("connection", "close");
  });
  app.addHook("preClose", async () => {
    draining = true;
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    const force = setTimeout(() => server.closeAllConnections(), drainMs);
    server.once("close", () => {
      clearInterval(idle);
      clearTimeout(force);
    });
  });
}
