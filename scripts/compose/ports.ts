// Finds free ports: the wished ones, or the next that nobody uses.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { failedPrecondition } from "../../shared/domain/errors.ts";

/** Ports that are tried one after the other. */
const PORTS_TRIED_MAX = 50;
/** The highest port that there is. */
const LAST_PORT = 65_535;

/** Why the system lets nobody listen there, whichever port of the kind is asked for: system error → what to do. */
const REFUSALS: Readonly<Record<string, (port: number, host: string) => string>> = {
  EACCES: (port) =>
    `Port ${port} needs rights that this user lacks: choose one from 1024 on with --port and --gateway-port.`,
  EADDRNOTAVAIL: (_, host) =>
    `${host} is no address of this machine: give --host one that is, or 0.0.0.0 for all.`,
};

/** Errors: FAILED_PRECONDITION `CANNOT_LISTEN` when another port would be refused as well. */
function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", ({ code = "" }: NodeJS.ErrnoException) => {
      const refusal = REFUSALS[code]?.(port, host);
      if (refusal === undefined) resolve(false);
      else reject(failedPrecondition("CANNOT_LISTEN", refusal, { host, port: String(port) }));
    });
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

async function freePort(wished: number, host: string, taken: readonly number[]): Promise<number> {
  if (wished === 0) return 0;
  const end = Math.min(wished + PORTS_TRIED_MAX, LAST_PORT + 1);
  for (let port = wished; port < end; port++)
    if (!taken.includes(port) && (await isFree(port, host))) return port;
  throw failedPrecondition(
    "PORTS_TAKEN",
    `The ports ${wished} to ${end - 1} are all taken: choose others with --port and --gateway-port.`,
    { host, port: String(wished) },
  );
}

/**
 * Each wished port or the next free one, no two the same; 0 lets the system choose.
 * Errors: FAILED_PRECONDITION `PORTS_TAKEN`, `CANNOT_LISTEN`.
 */
export async function freePorts(wished: readonly number[], host = "127.0.0.1"): Promise<readonly number[]> {
  const found: number[] = [];
  for (const each of wished) found.push(await freePort(each, host, found));
  return found;
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
