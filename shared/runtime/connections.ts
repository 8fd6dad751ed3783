// How many connections a door holds. Beyond that the one that has waited longest without a request is closed, so that
// connections that are only held open take nobody's place.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Connections of one door. */
export const CONNECTIONS_MAX = 1_024;

/** Bounds the connections of a server. A connection with a request under way is closed only when there is no other. */
export function boundConnections(server: Server): void {
  // Sets keep the order in which their members came: the first has waited longest.
  const waiting = new Set<Socket>();
  const busy = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    if (waiting.size + busy.size >= CONNECTIONS_MAX) {
      const from = waiting.size > 0 ? waiting : busy;
      const [oldest] = from;
      if (oldest !== undefined) {
        // At once: its end is told only on a later turn, and more connections may come on this one.
        from.delete(oldest);
        oldest.destroy();
      }
    }
    waiting.add(socket);
    socket.once("close", () => {
      waiting.delete(socket);
      busy.delete(socket);
    });
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    waiting.delete(socket);
    busy.add(socket);
    response.once("close", () => {
      busy.delete(socket);
      if (!socket.destroyed) waiting.add(socket);
    });
  });
}
