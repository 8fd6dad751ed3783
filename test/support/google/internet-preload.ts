// Loaded into a process before its program (`node --import`): whoever connects to port 443 of any host gets the small internet of the
// test instead. Names are resolved to loopback, and TLS is as it always is: the name that was asked for is the one that is verified.
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const HTTPS = 443;
const LOOPBACK = { address: "127.0.0.1", family: 4 } as const;
const port = Number(process.env["TEST_INTERNET_PORT"]);

type Connect = (this: net.Socket, ...args: readonly unknown[]) => net.Socket;

const connect = Reflect.get(net.Socket.prototype, "connect") as Connect;
const redirected = (target: unknown): unknown =>
  typeof target === "object" && target !== null && "port" in target && Number(target.port) === HTTPS
    ? { ...target, host: LOOPBACK.address, port }
    : target;

Reflect.set(net.Socket.prototype, "connect", function (this: net.Socket, ...args: readonly unknown[]) {
  const [first, ...rest] = args;
  // Node hands arguments on as an array that it has marked as looked through.
  if (Array.isArray(first)) {
    first[0] = redirected(first[0]);
    return connect.call(this, first, ...rest);
  }
  return connect.call(this, redirected(first), ...rest);
} satisfies Connect);

// Clients of gRPC resolve names themselves, before they connect.
dns.promises.lookup = (async (_host: string, options?: { readonly all?: boolean }) =>
  options?.all === true ? [LOOPBACK] : LOOPBACK) as typeof dns.promises.lookup;
syncBuiltinESMExports();
