// Connections to backends: one pool per backend and address.
import { Pool } from "undici";

/** Connections to one backend. */
export const BACKEND_CONNECTIONS_MAX = 256;
/** How long a connection to a backend may take to open. It is on this machine. */
export const CONNECT_TIMEOUT_MS = 1_000;
/** How long a backend may think before its response begins. */
export const FIRST_BYTE_TIMEOUT_MS = 60_000;
/** How long a response may pause between two pieces. */
export const PIECE_TIMEOUT_MS = 60_000;
/** How long an unused connection is kept; shorter than the 5 s after which common model servers close theirs. */
export const IDLE_CONNECTION_MS = 2_000;

/** The pools of a gateway. */
export interface Pools {
  /** The pool to this backend; an address that changed gets a new one, and the old one ends after its requests. */
  get(backend: string, origin: string): Pool;
  /** Ends the pools of all other backends, each after its requests. */
  keep(backends: ReadonlySet<string>): void;
  /** Ends all pools at once: requests in flight fail. */
  destroy(): Promise<void>;
}

/** No pools yet; each is made at its first request. */
export function createPools(): Pools {
  const pools = new Map<string, { readonly origin: string; readonly pool: Pool }>();
  const ending = new Set<Pool>();

  function end(pool: Pool): void {
    ending.add(pool);
    const ended = (): void => void ending.delete(pool);
    pool.close().then(ended, ended);
  }

  return {
    get(backend, origin) {
      const known = pools.get(backend);
      if (known?.origin === origin) return known.pool;
      if (known !== undefined) end(known.pool);
      const pool = new Pool(origin, {
        connections: BACKEND_CONNECTIONS_MAX,
        pipelining: 1,
        connect: { timeout: CONNECT_TIMEOUT_MS },
        headersTimeout: FIRST_BYTE_TIMEOUT_MS,
        bodyTimeout: PIECE_TIMEOUT_MS,
        keepAliveTimeout: IDLE_CONNECTION_MS,
        keepAliveMaxTimeout: IDLE_CONNECTION_MS,
      });
      pools.set(backend, { origin, pool });
      return pool;
    },
    keep(backends) {
      for (const [backend, { pool }] of pools) {
        if (backends.has(backend)) continue;
        pools.delete(backend);
        end(pool);
      }
    },
    async destroy() {
      const all = [...[...pools.values()].map(({ pool }) => pool), ...ending];
      pools.clear();
      await Promise.all(all.map((pool) => pool.destroy()));
    },
  };
}
