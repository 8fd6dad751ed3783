import { describe, expect, it } from "vitest";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { REQUEST_BODY_BYTES_MAX } from "../../shared/adapters/local/gateway-forward.ts";
import { until, version, useGateway } from "../support/gateway-fixture.ts";

const ranker = useGateway();
const v1 = version(1);
const hello = (text: string) => (_request: IncomingMessage, response: ServerResponse) =>
  void response.end(text);

describe("bodies", () => {
  it("stream to the caller as the backend writes them", async () => {
    let finish: () => void = () => undefined;
    await ranker.backend(v1, (_request, response) => {
      response.write("first ");
      finish = () => void response.end("last");
    });
    await ranker.move("first", { [v1]: 100 });
    const response = await fetch(`${ranker.url}/ranker/stream`);
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("first ");
    expect(ranker.inFlight(v1)).toBe(1);
    finish();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("last");
    await until("the end", () => ranker.inFlight(v1) === 0);
  });

  it("stream to the backend as the caller writes them", async () => {
    const pieces: string[] = [];
    await ranker.backend(v1, (request, response) => {
      request.on("data", (chunk: Buffer) => pieces.push(chunk.toString()));
      request.on("end", () => response.end(pieces.join("")));
    });
    await ranker.move("first", { [v1]: 100 });
    const call = httpRequest(`${ranker.url}/ranker/upload`, { method: "POST" });
    const answered = new Promise<string>((resolve, reject) => {
      call.on("error", reject);
      call.on("response", (response) => {
        response.setEncoding("utf8");
        let text = "";
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve(text));
      });
    });
    call.write("one ");
    await until("the first piece", () => pieces.length === 1);
    call.end("two");
    expect(await answered).toBe("one two");
  });

  it("of megabytes arrive whole at a slow reader's pace", async () => {
    const size = 24 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 7);
    let sent = 0;
    await ranker.backend(v1, (_request, response) => {
      const pump = () => {
        while (sent < size) {
          sent += chunk.length;
          if (response.write(chunk)) continue;
          response.once("drain", pump);
          return;
        }
        response.end();
      };
      pump();
    });
    await ranker.move("first", { [v1]: 100 });
    const response = await fetch(`${ranker.url}/ranker/large`);
    const reader = response.body?.getReader();
    await reader?.read();
    await until("the flow to stop", () => sent > 64 * 1024);
    await wait(100);
    expect(sent).toBeLessThan(size);
    let received = chunk.length;
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      received += piece.value.length;
    expect(received).toBeGreaterThanOrEqual(size);
  });

  it("that are too large are refused before they are read", async () => {
    await ranker.backend(v1, hello("one"));
    await ranker.move("first", { [v1]: 100 });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = httpRequest(`${ranker.url}/ranker/x`, {
        method: "POST",
        headers: { "content-length": String(REQUEST_BODY_BYTES_MAX + 1) },
      });
      call.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on("error", reject);
      call.flushHeaders();
    });
    expect(status).toBe(413);
    expect(ranker.metric("requests_total", v1)).toBe(0);
  });
});

describe("headers", () => {
  it("of one hop end at the gateway, in both directions", async () => {
    let seen: IncomingMessage["headers"] = {};
    await ranker.backend(v1, (request, response) => {
      seen = request.headers;
      response.writeHead(200, {
        "x-signalbox-version": "forged",
        connection: "close, x-secret-hop",
        "x-secret-hop": "1",
        "set-cookie": ["a=1", "b=2"],
        "x-kept": "yes",
      });
      response.end("one");
    });
    await ranker.move("first", { [v1]: 100 });
    const headers = await new Promise<IncomingMessage["headers"]>((resolve, reject) => {
      const call = httpRequest(`${ranker.url}/ranker/x`, {
        headers: {
          connection: "keep-alive, x-hop",
          "x-hop": "1",
          te: "trailers",
          "x-kept": "yes",
          "proxy-authorization": "secret",
          expect: "100-continue",
        },
      });
      call.on("response", (response) => {
        response.resume();
        resolve(response.headers);
      });
      call.on("error", reject);
      call.end();
    });
    expect(seen).toMatchObject({
      "x-kept": "yes",
      "x-forwarded-for": "127.0.0.1",
      host: new URL(ranker.url).host,
    });
    for (const name of ["x-hop", "te", "proxy-authorization", "expect"])
      expect(seen).not.toHaveProperty(name);
    expect(headers).toMatchObject({
      "x-signalbox-version": v1,
      "x-kept": "yes",
      "set-cookie": ["a=1", "b=2"],
    });
    expect(headers).not.toHaveProperty("x-secret-hop");
  });
});
