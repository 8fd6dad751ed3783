import { describe, expect, it } from "vitest";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { until, version, useGateway } from "../support/gateway-fixture.ts";

const ranker = useGateway();
const v1 = version(1);

describe("a backend that fails", () => {
  it("counts as an error of its version: 5xx, a broken response, a refused connection", async () => {
    const server = await ranker.backend(v1, (request, response) => {
      if (request.url === "/500") response.writeHead(500).end();
      else if (request.url === "/break") {
        response.write("half");
        setTimeout(() => response.destroy(), 10);
      } else response.writeHead(404).end();
    });
    await ranker.move("first", { [v1]: 100 });
    expect((await fetch(`${ranker.url}/ranker/500`)).status).toBe(500);
    expect((await fetch(`${ranker.url}/ranker/404`)).status).toBe(404);
    await expect(fetch(`${ranker.url}/ranker/break`).then((response) => response.text())).rejects.toThrow();
    await until("three requests", () => ranker.metric("requests_total", v1) === 3);
    expect(ranker.metric("request_errors_total", v1)).toBe(2);
    server.closeAllConnections();
    server.close();
    const refused = await fetch(`${ranker.url}/ranker/x`, { method: "POST", body: "x" });
    expect([
      refused.status,
      refused.headers.get("x-signalbox-reason"),
      refused.headers.get("x-signalbox-version"),
    ]).toEqual([503, "backend-unavailable", v1]);
    expect(ranker.metric("request_errors_total", v1)).toBe(3);
  });

  it("is asked once more for a safe request whose connection broke, and never for another", async () => {
    const calls: string[] = [];
    await ranker.backend(v1, (request, response) => {
      calls.push(request.method ?? "");
      if (calls.length === 1 || request.method === "POST") request.socket.destroy();
      else response.end("second try");
    });
    await ranker.move("first", { [v1]: 100 });
    expect(await (await fetch(`${ranker.url}/ranker/x`)).text()).toBe("second try");
    expect((await fetch(`${ranker.url}/ranker/x`, { method: "POST", body: "x" })).status).toBe(503);
    expect(calls).toEqual(["GET", "GET", "POST"]);
    expect([ranker.metric("requests_total", v1), ranker.metric("request_errors_total", v1)]).toEqual([2, 1]);
  });

  it("in the middle of an upload leaves the caller its answer", async () => {
    await ranker.backend(v1, (request) => void request.once("data", () => request.socket.destroy()));
    await ranker.move("first", { [v1]: 100 });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = httpRequest(`${ranker.url}/ranker/x`, { method: "POST" });
      call.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on("error", reject);
      call.write("a piece");
    });
    expect(status).toBe(503);
    expect(ranker.metric("request_errors_total", v1)).toBe(1);
  });
});

describe("a caller who goes away", () => {
  it("is no error of the version, frees the backend, and harms nobody", async () => {
    let [open, closed] = [0, 0];
    await ranker.backend(v1, (request, response) => {
      if (request.url === "/quick") return void response.end("quick");
      open += 1;
      response.on("close", () => {
        closed += 1;
      });
      if (request.url === "/started") response.write("half");
      return undefined;
    });
    await ranker.move("first", { [v1]: 100 });
    for (const path of ["/waiting", "/started"]) {
      for (let turn = 0; turn < 10; turn++) {
        const call = httpRequest(`${ranker.url}/ranker${path}`);
        call.on("error", () => undefined);
        call.end();
        const before = open;
        await until("the backend to be asked", () => open > before);
        call.destroy();
      }
    }
    await until("the backend to be freed", () => closed === 20);
    await until("the end of all", () => ranker.inFlight(v1) === 0);
    expect([ranker.metric("requests_total", v1), ranker.metric("request_errors_total", v1)]).toEqual([20, 0]);
    expect(await (await fetch(`${ranker.url}/ranker/quick`)).text()).toBe("quick");
  });

  it("in the middle of an upload is no error either", async () => {
    let broken = 0;
    await ranker.backend(v1, (request) => {
      request.on("error", () => {
        broken += 1;
      });
      request.resume();
    });
    await ranker.move("first", { [v1]: 100 });
    const call = httpRequest(`${ranker.url}/ranker/x`, { method: "POST" });
    call.on("error", () => undefined);
    call.write("a piece");
    await until("the upload to begin", () => ranker.inFlight(v1) === 1);
    await wait(20);
    call.destroy();
    await until("the end", () => ranker.inFlight(v1) === 0);
    await until("the backend to notice", () => broken === 1);
    expect(ranker.metric("request_errors_total", v1)).toBe(0);
  });

  it("may send rubbish: the gateway stays", async () => {
    const { port } = new URL(ranker.url);
    for (const text of [
      "GET /ranker/ HTTP/1.1\r\nbad header\r\n\r\n",
      "\u0000\u0001\u0002",
      "CONNECT x:1 HTTP/1.1\r\n\r\n",
      "GET /ranker/\u0080 HTTP/1.1\r\nhost: x\r\n\r\n",
    ]) {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.end(text, "latin1");
      await new Promise((resolve) => {
        socket.on("close", resolve);
        socket.resume();
      });
    }
    expect((await fetch(`${ranker.url}/metrics`)).status).toBe(200);
  });
});
