// Where an installation listens and under which names: loopback in plain HTTP unless somebody says more, and never further by accident.
import { BlockList, isIP } from "node:net";
import { Agent, fetch as undiciFetch } from "undici";
import { failedPrecondition, invalidArgument } from "../../shared/domain/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { openTls, type Tls } from "../../shared/runtime/tls.ts";

/** What a person chooses. */
export interface ListenOptions {
  /** Address to bind; default loopback. */
  readonly host?: string;
  /** Names under which it is reached, besides loopback and those of the certificate. */
  readonly names?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly allowPlainHttp?: boolean;
}

/** Where and how API and gateway listen. */
export interface Listening {
  readonly host: string;
  /** Names that the Host check lets pass. */
  names(): readonly string[];
  readonly tls: Tls | undefined;
  /** The URL of one of its ports for programs on this machine. */
  localUrl(port: number): string;
  /** Calls our own ports, with our own certificate as the only one that is trusted. */
  readonly fetch: typeof fetch;
  /** The same for undici; undefined without TLS. */
  readonly agent: (() => Agent) | undefined;
}

const LOOPBACK = "127.0.0.1";
const ANYWHERE = new Set(["0.0.0.0", "::"]);
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);

/** Whether only this machine reaches the address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? "ipv6" : "ipv4"));

function requireSafe({ host = LOOPBACK, tlsCert, tlsKey, allowPlainHttp = false }: ListenOptions): void {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw invalidArgument(
      "tls",
      "--tls-cert and --tls-key belong together: give both, or neither.",
      "TLS_HALF",
    );
  if (host !== "localhost" && isIP(host) === 0)
    throw invalidArgument(
      "host",
      `--host ${host} is no IP address: give one of this machine, or 0.0.0.0 for all.`,
      "INVALID_HOST",
    );
  if (isLoopback(host) || tlsCert !== undefined || allowPlainHttp) return;
  throw failedPrecondition(
    "PLAIN_HTTP",
    `--host ${host} is reached from other machines, and without TLS everyone on the way reads tokens: give --tls-cert and --tls-key, or --allow-plain-http where something in front encrypts.`,
    { host },
  );
}

/** An agent for our own ports. Whoever answers must have exactly our certificate; its names do not matter then. */
function createOwnAgent(tls: Tls): () => Agent {
  let known: { readonly cert: string; readonly agent: Agent } | undefined;
  return () => {
    const { cert } = tls.options();
    if (known?.cert !== cert) {
      void known?.agent.close();
      const connect = { ca: cert, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
      // A workflow's request has its own deadline.
      known = { cert, agent: new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 }) };
    }
    return known.agent;
  };
}

const fetchBy = (agent: () => Agent): typeof fetch =>
  ((url: string, init?: Parameters<typeof undiciFetch>[1]) =>
    undiciFetch(url, { ...init, dispatcher: agent() })) as unknown as typeof fetch;

/** Loopback, in the open: what every installation does unless somebody says more. */
export const PLAIN_LOOPBACK: Listening = {
  host: LOOPBACK,
  names: () => [],
  tls: undefined,
  localUrl: (port) => `http://${LOOPBACK}:${port}`,
  fetch: (...args) => fetch(...args),
  agent: undefined,
};

/** Opens what listening needs; refuses what would let strangers read along. */
export async function openListening(options: ListenOptions, log: Log): Promise<Listening> {
  requireSafe(options);
  const { host = LOOPBACK, names = [], tlsCert, tlsKey } = options;
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : await openTls({ certFile: tlsCert, keyFile: tlsKey }, log);
  const agent = tls === undefined ? undefined : createOwnAgent(tls);
  const local = ANYWHERE.has(host) ? (host === "::" ? "[::1]" : LOOPBACK) : bracketed(host);
  const own = [...names, ...(ANYWHERE.has(host) ? [] : [bracketed(host)])].map((name) => name.toLowerCase());
  return {
    host,
    names: () => [...own, ...(tls?.names() ?? [])],
    tls,
    localUrl: (port) => `${tls === undefined ? "http" : "https"}://${local}:${port}`,
    fetch: agent === undefined ? fetch : fetchBy(agent),
    agent,
  };
}
