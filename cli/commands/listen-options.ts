// The options of `signalbox start` that say where it listens, and how.
import type { Command } from "commander";

/** Those options, as they were given. */
export interface ListenFlags {
  readonly host: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly serverName: readonly string[];
  readonly allowPlainHttp?: boolean;
}

/** Adds them to a command. */
export const withListenOptions = (command: Command): Command =>
  command
    .option("--host <address>", "address to listen on; beyond loopback it needs TLS", "127.0.0.1")
    .option("--tls-cert <file>", "certificate chain in PEM; looked at again when it changes")
    .option("--tls-key <file>", "its key")
    .option(
      "--server-name <name>",
      "a name under which it is reached, besides those of the certificate; may be given several times",
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .option("--allow-plain-http", "listen beyond loopback without TLS, because something in front encrypts");

/** What they ask for. */
export const listenOf = ({ host, tlsCert, tlsKey, serverName, allowPlainHttp }: ListenFlags) => ({
  host,
  names: serverName,
  ...(tlsCert === undefined ? {} : { tlsCert }),
  ...(tlsKey === undefined ? {} : { tlsKey }),
  ...(allowPlainHttp === undefined ? {} : { allowPlainHttp }),
});
