// A fake of the metadata server of Google Cloud. Written from "View and query VM metadata" and "Fetching identity tokens": requests
// must carry `Metadata-Flavor: Google`, answers carry it too; `identity` signs for an audience, `token` answers JSON. By a clock it gives
// the same token again until four or five minutes before its end (golang.org/x/oauth2 0.21: "The shortest MDS token cache time is 4 minutes").
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { FakeIssuer } from "./oidc-issuer-fake.ts";

/** What goes wrong with the next requests. */
export interface MetadataFault {
  readonly status?: number;
  readonly body?: string;
  readonly flavor?: string;
  readonly never?: boolean;
}

/** How long before its end a token is still given again. */
const CACHED_UNTIL_MS = 240_000;
/** How long a token lives. */
const LIFE_MS = 3_600_000;

/** Starts one that signs as this account; closed when the test ends. */
export async function startMetadata(
  issuer: FakeIssuer,
  account = "signalbox-rollout@acme.iam.gserviceaccount.com",
  /** The access token; a new one with each request if absent. */
  accessToken?: string,
  clock?: Clock,
) {
  const asked: string[] = [];
  const cache = new Map<string, { readonly token: string; readonly end: number }>();
  const now = (): number => clock?.now().getTime() ?? 0;
  /** The token of this request, and in how many seconds it ends. */
  const tokenFor = async (url: string, make: () => string | Promise<string>) => {
    const known = clock === undefined ? undefined : cache.get(url);
    const kept =
      known !== undefined && now() < known.end - CACHED_UNTIL_MS
        ? known
        : { token: await make(), end: now() + LIFE_MS };
    cache.set(url, kept);
    return { token: kept.token, seconds: Math.floor((kept.end - now()) / 1_000) - 1 };
  };
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
        const { token } = await tokenFor(url.href, () => issuer.sign({ claims }));
        return void response.writeHead(200, head).end(token);
      }
      const made = () => accessToken ?? `ya29.fake-${asked.length}`;
      const { token, seconds } = await tokenFor(url.href, made);
      const body = { access_token: token, expires_in: seconds, token_type: "Bearer" };
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
