// Bytes that are no HTTP request never reach a route; they get an answer of the same form all the same.
import type { Socket } from "node:net";

/** Node's error code → status line and what to do. */
const BROKEN: Readonly<Record<string, readonly [status: number, phrase: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    "Request Timeout",
    "The request was not complete in time: send it again, faster.",
  ],
  HPE_HEADER_OVERFLOW: [
    431,
    "Request Header Fields Too Large",
    "The headers are larger than is taken: send fewer.",
  ],
};
const OTHER = [400, "Bad Request", "The request is not valid HTTP/1.1: correct it."] as const;

/** Answers a request that could not be parsed, and closes its connection. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  // Whoever does not speak TLS could not read an answer, and an answer that is never sent would keep the connection.
  if (/^ERR_(SSL|TLS)_/.test(error.code ?? "")) {
    socket.destroy();
    return;
  }
  const [code, phrase, message] = BROKEN[error.code ?? ""] ?? OTHER;
  const details = [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "BROKEN_REQUEST",
      domain: "signalbox.dev",
      metadata: {},
    },
  ];
  const body = JSON.stringify({ error: { code, status: "INVALID_ARGUMENT", message, details } });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${code} ${phrase}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
