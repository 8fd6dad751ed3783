// TLS from certificate files, which are looked at again and again: a renewed certificate needs no restart.
import { X509Certificate } from "node:crypto";
import { open } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { ControlPlaneError, failedPrecondition } from "../domain/errors.ts";
import type { Log } from "./log.ts";

/** Between two looks at the files. */
export const TLS_LOOK_EVERY_MS = 5_000;
/** How long a connection may take to begin to speak TLS; Node's own limit is two minutes. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 5_000;
/** Bytes of a certificate chain or a key. */
const FILE_BYTES_MAX = 1_000_000;
/** What anybody but owner and group may not do with the key. */
const STRANGERS = 0o007;

/**
 * TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers only: Mozilla's "intermediate" configuration without its CBC and
 * DHE suites (wiki.mozilla.org/Security/Server_Side_TLS).
 */
const MODERN: SecureContextOptions = {
  minVersion: "TLSv1.2",
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
};

/** What a server is made with. */
export type TlsOptions = SecureContextOptions & {
  readonly cert: string;
  readonly key: string;
  readonly handshakeTimeout: number;
};

/** A server whose certificate can change while it listens. */
interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** The certificate of an installation. */
export interface Tls {
  /** What a server is made with now. */
  options(): TlsOptions;
  /** Names that the certificate is for, without wildcards. */
  names(): readonly string[];
  /** Gives every later certificate to this server. */
  attach(server: object): void;
  /** Reads the files again if they changed. A pair that does not fit is logged, and the one before stays. */
  look(): Promise<void>;
}

async function readFileOf(path: string, secret: boolean): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { mode, size } = await file.stat();
      if (secret && (mode & STRANGERS) !== 0) {
        throw failedPrecondition(
          "TLS_KEY_EXPOSED",
          `${path} can be read by everyone: run chmod o= on it, and change the key.`,
          { path },
        );
      }
      if (size > FILE_BYTES_MAX) throw new RangeError(`it has ${size} bytes, of at most ${FILE_BYTES_MAX}`);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof ControlPlaneError) throw cause;
    throw new ControlPlaneError(
      "FAILED_PRECONDITION",
      `${path} cannot be read (${(cause as Error).message}): name a file in PEM form.`,
      {
        reason: "TLS_UNREADABLE",
        metadata: { path },
        cause,
      },
    );
  }
}

interface Pair extends TlsOptions {
  readonly names: readonly string[];
}

/** Names of the certificate; an address is written as in a URL. */
function namesOf(cert: string): readonly string[] {
  const text = new X509Certificate(cert).subjectAltName ?? "";
  return text.split(", ").flatMap((entry) => {
    const [, kind, name = ""] = /^(DNS|IP Address):(.+)$/.exec(entry) ?? [];
    if (kind === undefined || name.includes("*")) return [];
    return [
      name.includes(":") ? `[${new URL(`http://[${name}]`).hostname.slice(1, -1)}]` : name.toLowerCase(),
    ];
  });
}

async function readPair(certFile: string, keyFile: string): Promise<Pair> {
  const [cert, key] = [await readFileOf(certFile, false), await readFileOf(keyFile, true)];
  try {
    createSecureContext({ ...MODERN, cert, key });
    return { ...MODERN, cert, key, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS, names: namesOf(cert) };
  } catch (cause) {
    // OpenSSL's words hold no part of the key.
    throw new ControlPlaneError(
      "FAILED_PRECONDITION",
      `${certFile} and ${keyFile} are no certificate with its key (${(cause as Error).message}): both in PEM form, the server's own certificate first.`,
      { reason: "TLS_MISMATCH", metadata: { certFile, keyFile }, cause },
    );
  }
}

/** Reads the pair; throws FAILED_PRECONDITION that says which file to mend. */
export async function openTls(
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
  log: Log,
): Promise<Tls> {
  let pair = await readPair(certFile, keyFile);
  const servers: SecureServer[] = [];
  return {
    options: () => {
      const { names: _, ...options } = pair;
      return options;
    },
    names: () => pair.names,
    attach(server) {
      if ("setSecureContext" in server) servers.push(server as SecureServer);
    },
    async look() {
      try {
        const next = await readPair(certFile, keyFile);
        if (next.cert === pair.cert && next.key === pair.key) return;
        pair = next;
        const { names: _, ...options } = next;
        for (const server of servers) server.setSecureContext(options);
        log.info({ certFile, names: next.names }, "certificate changed, new connections use it");
      } catch (error) {
        log.error({ error }, "The certificate files cannot be used; the certificate of before stays.");
      }
    },
  };
}
