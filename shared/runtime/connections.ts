// How many connections a door holds. Beyond that the one that has waited longest without a request is closed, so that
// connections that are only held open take nobody's place.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Connections of one door. */
export const CONNECTIONS_MAX = 1_024;

/** The other end of a connection. Over TLS a request has another socket object than its connection, and the same other end. */
const endOf = ({
  remoteAddress = "",
  remotePort = 0,
}: Pick<Socket, "remoteAddress" | "remotePort">): string => `${remoteAddress} ${remotePort}`;

/** Bounds the connections of a server. A connection with a request under way is closed only when there is no other. */
export function boundConnections(server: Server): void {
  // Maps keep the order in which their keys came: the first has waited longest.
  const waiting = new Map<string, Socket>();
  const busy = new Map<string, Socket>();
  const closeOldest = (): void => {
    const from = waiting.size > 0 ? waiting : busy;
    const [oldest] = from;
    if (oldest === undefined) return;
    const [end, socket] = oldest;
    // At once: its end is told only on a later turn, and more connections may come on this one.
    from.delete(end);
    socket.destroy();
  };
  server.on("connection", (socket: Socket) => {
    if (waiting.size + busy.size >= CONNECTIONS_MAX) closeOldest();
    const end = endOf(socket);
    waiting.set(end, socket);
    socket.once("close", () => {
      for (const from of [waiting, busy]) if (from.get(end) === socket) from.delete(end);
    });
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const end = endOf(request.socket);
    const socket = waiting.get(end);
    if (socket === undefined) return;
    waiting.delete(end);
    busy.set(end, socket);
    response.once("close", () => {
      if (busy.get(end) !== socket) return;
      busy.delete(end);
      if (!socket.destroyed) waiting.set(end, socket);
    });
  });
}
