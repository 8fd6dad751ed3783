// A fake of the metadata server of Google Cloud. Written from "View and query VM metadata" and "Fetching identity tokens": requests
// must carry `Metadata-Flavor: Google`, answers carry it too; `identity` signs for an audience, `token` answers JSON.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { FakeIssuer } from "./oidc-issuer-fake.ts";

/** What goes wrong with the next requests. */
export interface MetadataFault {
  readonly status?: number;
  readonly body?: string;
  readonly flavor?: string;
  readonly never?: boolean;
}

/** Starts one that signs as this account; closed when the test ends. */
export async function startMetadata(
  issuer: FakeIssuer,
  account = "signalbox-rollout@acme.iam.gserviceaccount.com",
  /** The access token; a new one with each request if absent. */
  accessToken?: string,
) {
  const asked: string[] = [];
  let fault: MetadataFault = {};
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://metadata");
      asked.push(`${url.pathname.split("/").at(-1)}${url.search}`);
      if (fault.never === true) return;
      const flavor = fault.flavor ?? "Google";
      const head = flavor === "" ? {} : { "metadata-flavor": flavor };
      if (request.headers["metadata-flavor"] !== "Google") return void response.writeHead(403).end();
      if (fault.status !== undefined || fault.body !== undefined)
        return void response.writeHead(fault.status ?? 200, head).end(fault.body ?? "told to fail");
      if (url.pathname.endsWith("/identity")) {
        const claims = { aud: url.searchParams.get("audience") ?? "", email: account, email_verified: true };
        return void response.writeHead(200, head).end(await issuer.sign({ claims }));
      }
      const body = {
        access_token: accessToken ?? `ya29.fake-${asked.length}`,
        expires_in: 3_599,
        token_type: "Bearer",
      };
      response.writeHead(200, { ...head, "content-type": "application/json" }).end(JSON.stringify(body));
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return {
    close,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    failWith: (next: MetadataFault): void => void (fault = next),
  };
}
