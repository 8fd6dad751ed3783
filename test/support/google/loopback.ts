// Loaded before the program of a service (`node --import`): the hosts of Google and of its cluster are what stands on loopback, and
// whatever else has a name is away. The program itself knows nothing of it, so that its real composition is what is tried.
import dns from "node:dns";
import { connect, type Socket } from "node:net";
import tls from "node:tls";

/** Where a host is. Without a CA it speaks plainly there, whatever the program takes it for. */
export interface Stand {
  readonly port: number;
  readonly ca?: string;
}

const hosts = JSON.parse(process.env["TEST_LOOPBACK"] ?? "{}") as Readonly<Record<string, Stand>>;

const usualFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const stand = hosts[url.hostname];
  if (stand !== undefined) Object.assign(url, { protocol: "http:", host: `127.0.0.1:${stand.port}` });
  return usualFetch(url, init);
};

/** A plain connection that says it is secure, for a fake that has no certificate. */
function plain({ port }: Stand): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  socket.once("connect", () => socket.emit("secureConnect"));
  return socket;
}

const usualConnect = tls.connect as (options: tls.ConnectionOptions) => tls.TLSSocket;
const connectTls = (options: tls.ConnectionOptions): Socket => {
  const stand = hosts[options.host ?? ""];
  if (stand === undefined) return usualConnect(options);
  if (stand.ca === undefined) return plain(stand);
  const { port, ca } = stand;
  const { servername: _name, ...rest } = options;
  return usualConnect({ ...rest, host: "127.0.0.1", port, ca });
};
Object.assign(tls, { connect: connectTls });

// Nothing of a test leaves this machine, also where the machine could.
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "0.0.0.0"]);
const usualLookup = dns.lookup as (...all: readonly unknown[]) => void;
const lookup = (name: string, ...rest: readonly unknown[]): void => {
  if (LOOPBACK.has(name)) return usualLookup(name, ...rest);
  const answer = rest.at(-1) as (error: Error) => void;
  const error = Object.assign(new Error(`${name} is away in this test`), { code: "ENOTFOUND" });
  process.nextTick(() => answer(error));
};
Object.assign(dns, { lookup });
