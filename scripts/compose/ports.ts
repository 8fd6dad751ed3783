// Finds free loopback ports: the wished one, or the next that nobody uses.
import { type AddressInfo, createServer } from "node:net";

/** Ports that are tried one after the other. */
const PORTS_TRIED_MAX = 50;

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** The wished port or the next free one; 0 lets the system choose. */
export async function freePort(wished: number, host = "127.0.0.1"): Promise<number> {
  if (wished === 0) return 0;
  for (let port = wished; port < wished + PORTS_TRIED_MAX; port++) if (await isFree(port, host)) return port;
  throw new Error(
    `The ports ${wished} to ${wished + PORTS_TRIED_MAX - 1} are all taken: choose others with --port and --gateway-port.`,
  );
}

/** A free loopback port that the system chooses, for a program that must be told its port before it listens. */
export async function systemPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
