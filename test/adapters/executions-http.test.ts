// What a workflow's request looks like on the wire, and what becomes of every kind of answer.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { performHttp } from "../../shared/adapters/local/executions-http.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import {
  CHOICES,
  HTTP_RESPONSE_BYTES_MAX,
  type EffectResult,
  type HttpRequest,
} from "../../workflows/engine/engine.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server on loopback, and what it was asked. */
async function serve(handler: Handler) {
  const seen: { method: string; path: string; headers: IncomingMessage["headers"]; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body });
      handler(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const ok: Handler = (_, response) => response.end("ok");

const perform = (
  request: Partial<HttpRequest> & { readonly url: string },
  signal = new AbortController().signal,
): Promise<EffectResult> => {
  const identity = createWorkflowIdentity({ mint: async (audience) => `for:${audience}` });
  const place = { id: "0/0", routine: "main", step: "call", line: 1 };
  return performHttp(
    { identity },
    { kind: "http", method: "GET", headers: {}, timeoutSeconds: 5, ...place, ...request },
    signal,
  );
};

const text = (result: EffectResult): string =>
  result.kind === "http" && result.body !== undefined
    ? Buffer.from(result.body.data, result.body.encoding).toString()
    : "";

describe("on the wire", () => {
  test("a request has the workflow's headers and none of a browser", async () => {
    const { url, seen } = await serve(ok);
    await perform({ url, headers: { "User-Agent": "workflows", "X-Who": "ada" } });
    expect(Object.keys(seen[0]?.headers ?? {}).toSorted()).toEqual([
      "connection",
      "host",
      "user-agent",
      "x-who",
    ]);
  });

  test("GET may have a body, and lengths that a workflow gives are counted anew", async () => {
    const { url, seen } = await serve(ok);
    const body = { encoding: "utf8", data: '{"query":"é"}' } as const;
    const result = await perform({ url, body, headers: { "Content-Length": "3" } });
    expect([text(result), seen[0]?.body, seen[0]?.headers["content-length"]]).toEqual([
      "ok",
      body.data,
      "14",
    ]);
  });

  test("every value of a repeated header comes back", async () => {
    const { url } = await serve((_, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.end();
    });
    expect(await perform({ url })).toMatchObject({ headers: { "set-cookie": ["a=1", "b=2"] } });
  });

  test("what cannot be sent at all is a ValueError", async () => {
    const { url } = await serve(ok);
    expect(await perform({ url, method: "BAD METHOD" })).toMatchObject({ tag: "ValueError" });
  });
});

describe("a redirect", () => {
  const redirects: Handler = (request, response) => {
    const left = Number(new URL(request.url ?? "", "http://x").searchParams.get("left"));
    const status = request.url?.startsWith("/307") === true ? 307 : 302;
    if (left > 0) response.writeHead(status, { location: `?left=${left - 1}` });
    response.end("arrived");
  };

  test("is followed as often as the table of choices says, and no more", async () => {
    const { url } = await serve(redirects);
    expect(text(await perform({ url: `${url}/?left=${CHOICES.redirectsMax}` }))).toBe("arrived");
    expect(await perform({ url: `${url}/?left=${CHOICES.redirectsMax + 1}` })).toMatchObject({
      tag: "ConnectionError",
      message: expect.stringContaining("redirects") as string,
    });
  });

  test("makes a POST a GET without a body, unless it is a 307", async () => {
    const { url, seen } = await serve(redirects);
    const body = { encoding: "utf8", data: "1" } as const;
    await perform({ url: `${url}/?left=1`, method: "POST", body });
    await perform({ url: `${url}/307?left=1`, method: "POST", body });
    expect(seen.map((one) => `${one.method} ${one.body}`)).toEqual(["POST 1", "GET ", "POST 1", "POST 1"]);
  });

  test("to another host leaves tokens and cookies behind", async () => {
    const other = await serve(ok);
    const { url } = await serve((_, response) => response.writeHead(302, { location: other.url }).end());
    await perform({ url, auth: { type: "OIDC" }, headers: { Cookie: "a=1", "X-Who": "ada" } });
    expect(other.seen[0]?.headers).toMatchObject({ "x-who": "ada" });
    expect(other.seen[0]?.headers).not.toHaveProperty("authorization");
    expect(other.seen[0]?.headers).not.toHaveProperty("cookie");
  });
});

describe("an answer", () => {
  test("of the largest size is read, a larger one passes the limit that nothing catches", async () => {
    let size = HTTP_RESPONSE_BYTES_MAX;
    const { url } = await serve((_, response) => response.end(Buffer.alloc(size)));
    expect(await perform({ url })).toMatchObject({ kind: "http", status: 200 });
    size++;
    expect(await perform({ url })).toMatchObject({ tag: "ResultSizeLimitExceededError" });
  });

  test("that breaks off in the middle is a ConnectionError, as the request may have been carried out", async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("abc");
      setImmediate(() => response.destroy());
    });
    expect(await perform({ url })).toMatchObject({ tag: "ConnectionError" });
  });

  test("from a name that does not exist is a ConnectionFailedError", async () => {
    expect(await perform({ url: "http://nowhere.invalid/" })).toMatchObject({ tag: "ConnectionFailedError" });
  });

  test("that is waited for when the process stops rejects, so that it is asked for again", async () => {
    const stop = new AbortController();
    const { url } = await serve(() => stop.abort(new Error("The process stops.")));
    await expect(perform({ url }, stop.signal)).rejects.toThrow("The process stops.");
  });
});

describe("auth", () => {
  test("OIDC sends a token for its audience, also for one that is no URL", async () => {
    const { url, seen } = await serve(ok);
    await perform({ url: `${url}/a`, auth: { type: "OIDC", audience: url } });
    await perform({
      url,
      auth: { type: "OIDC", audience: "7.apps.example.com" },
      headers: { authorization: "x" },
    });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer for:${url}`,
      "Bearer for:7.apps.example.com",
    ]);
  });

  test("OAuth2 goes to Google's hosts only, and says what it lacks", async () => {
    const { url, seen } = await serve(ok);
    const auth = { type: "OAuth2", scopes: ["s"] } as const;
    expect(await perform({ url, auth })).toMatchObject({
      tag: "AuthError",
      message: expect.stringContaining("googleapis.com") as string,
    });
    expect(await perform({ url: "https://run.googleapis.com/v2/x", auth })).toMatchObject({
      tag: "AuthError",
      message: expect.stringContaining("SIGNALBOX_ACCESS_TOKEN") as string,
    });
    expect(seen).toEqual([]);
  });

  test("a private service is named as out of reach instead of asked by accident", async () => {
    const { url, seen } = await serve(ok);
    expect(await perform({ url, privateServiceName: "projects/p/x" })).toMatchObject({
      tag: "ConnectionFailedError",
    });
    expect(seen).toEqual([]);
  });
});
