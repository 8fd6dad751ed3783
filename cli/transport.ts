// How the command line reaches a control plane: over TLS with the system's authorities, or with those that it was given.
import { readFileSync } from "node:fs";
import { CommandError, EXIT } from "./exit.ts";

/** Whom to trust over TLS. */
export interface Trust {
  /** PEM file with authorities, or with the server's own certificate. */
  readonly caFile: string;
  /** The file has exactly the certificate of the server on this machine: its names do not matter then. */
  readonly pinned: boolean;
}

/** Why a connection failed, if it was about whom to trust; undefined otherwise. */
export function trustProblem(error: unknown): string | undefined {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  const code = typeof cause?.code === "string" ? cause.code : "";
  return /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code) ? code : undefined;
}

/** A `fetch` that trusts so. Without `trust`, Node's own. */
export async function fetchWith(trust: Trust | undefined): Promise<typeof fetch> {
  if (trust === undefined) return fetch;
  let ca: string;
  try {
    ca = readFileSync(trust.caFile, "utf8");
  } catch (cause) {
    throw new CommandError(EXIT.usage, `${trust.caFile} cannot be read: ${(cause as Error).message}`, cause);
  }
  // Loaded only where it is needed: every other command starts quicker without it.
  const { Agent, fetch: fetchBy } = await import("undici");
  const connect = {
    ca,
    allowPartialTrustChain: true,
    ...(trust.pinned ? { checkServerIdentity: () => undefined } : {}),
  };
  const dispatcher = new Agent({ connect, bodyTimeout: 0 });
  return ((url: string | URL, init?: Parameters<typeof fetchBy>[1]) =>
    fetchBy(url, { ...init, dispatcher })) as unknown as typeof fetch;
}
