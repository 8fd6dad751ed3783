// Finds free loopback ports: the wished one, or the next that nobody uses.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

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

/** Below the ports that Linux (32768 on) and IANA (49152 on) give to whoever asks for any: nobody is given one of these by chance. */
const UNSHARED_PORTS = { min: 20_000, max: 32_767 } as const;
const chosen = new Set<number>();

/**
 * A free loopback port for a program that must be told its port before it listens. Meanwhile a port that the system chose may be given
 * to somebody else, a connection even: this one is chosen by chance among ports that the system gives to nobody.
 */
export async function unsharedPort(): Promise<number> {
  const { min, max } = UNSHARED_PORTS;
  for (let tried = 0; tried < PORTS_TRIED_MAX; tried++) {
    const port = randomInt(min, max + 1);
    if (chosen.has(port) || !(await isFree(port, "127.0.0.1"))) continue;
    chosen.add(port);
    return port;
  }
  throw new Error(
    `${PORTS_TRIED_MAX} ports between ${min} and ${max} are all taken: end what listens there.`,
  );
}
