// A small internet on loopback: hosts of Google by their real names, over TLS, each led to a fake or an emulator. A program that is
// started with its environment is configured as in production, and reaches nothing else: other hosts hang up.
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, createServer } from "node:tls";
import { onTestFinished } from "vitest";
import { makeCertificate } from "../certificates.ts";
import { temporaryFolder } from "../folder.ts";

/** Where a host really is. */
export interface Site {
  readonly port: number;
  /** gRPC is HTTP/2; everything else that we speak is HTTP/1.1. */
  readonly isGrpc?: boolean;
  /** It speaks TLS there as well, with a certificate of this authority; plainly otherwise. */
  readonly ca?: string;
}

const connectTo = ({ port, ca }: Site): Socket =>
  ca === undefined ? connect(port, "127.0.0.1") : connectTls({ port, host: "127.0.0.1", ca });

const PRELOAD = join(import.meta.dirname, "internet-preload.ts");

/** Starts it; answers the variables of a process that lives in it. Closed when the test ends. */
export async function startInternet(sites: Readonly<Record<string, Site>>) {
  const { cert, key } = makeCertificate(temporaryFolder(), "internet", Object.keys(sites));
  const server = createServer(
    {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ALPNCallback: ({ servername }) => (sites[servername]?.isGrpc === true ? "h2" : "http/1.1"),
    },
    (client) => {
      const site = sites[String(client.servername)];
      if (site === undefined) return void client.destroy();
      const upstream = connectTo(site);
      client.pipe(upstream).pipe(client);
      client.once("close", () => upstream.destroy());
      upstream.once("close", () => client.destroy());
      // Either end may go at any time, as on any other way.
      client.on("error", () => upstream.destroy());
      upstream.on("error", () => client.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return {
    environment: {
      NODE_OPTIONS: `--import=${PRELOAD} --disable-warning=ExperimentalWarning`,
      NODE_EXTRA_CA_CERTS: cert,
      TEST_INTERNET_PORT: String((server.address() as AddressInfo).port),
    },
  };
}
