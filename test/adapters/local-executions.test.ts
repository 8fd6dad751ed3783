import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { createExecutions, type ExecutionsOptions } from "../../shared/adapters/local/executions.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { CONTRACT_WORKFLOWS, ended, itBehavesLikeExecutions } from "../contracts/executions.ts";
import { HTTP_RESPONSE_BYTES_MAX } from "../../workflows/engine/engine.ts";
import { createVirtualClock } from "../support/clock.ts";
import { createLogBook } from "../support/world.ts";

/** Calls `url` with a token for `audience` and answers the status, or the tags of what went wrong. */
const CALLS = `
main:
  params: [args]
  steps:
    - call:
        try:
          call: http.post
          args:
            url: \${args.url}
            timeout: \${args.timeout}
            auth:
              type: OIDC
              audience: \${args.audience}
            body:
              hello: world
          result: answer
        except:
          as: error
          steps:
            - tell:
                return:
                  tags: \${error.tags}
    - done:
        return:
          code: \${answer.code}
          body: \${answer.body}
`;

/** Calls, sleeps an hour, calls again. */
const TWICE = `
main:
  params: [args]
  steps:
    - first:
        call: http.post
        args:
          url: \${args.url + "/first"}
    - rest:
        call: sys.sleep
        args:
          seconds: 3600
    - second:
        call: http.post
        args:
          url: \${args.url + "/second"}
    - done:
        return: twice
`;

const WORKFLOWS: Record<string, string> = { ...CONTRACT_WORKFLOWS, calls: CALLS, twice: TWICE };

function createDatabaseFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-executions-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "test.db");
}

function make(options: Partial<ExecutionsOptions> = {}) {
  const log = createLogBook();
  const db = options.db ?? openDatabase(":memory:");
  const executions = createExecutions({
    db,
    clock: systemClock,
    log,
    workflow: (name) => WORKFLOWS[name],
    identity: createWorkflowIdentity({ mint: async (audience) => `token-for-${audience}` }),
    ...options,
  });
  return { executions, db, log };
}

/** An HTTP server on a free port of loopback that keeps what it was asked. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: { path: string; authorization: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url = "", headers } = request;
      requests.push({
        path: url,
        authorization: headers.authorization,
        body: Buffer.concat(chunks).toString(),
      });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server };
}

const ok = (_: IncomingMessage, response: ServerResponse) => {
  response.setHeader("content-type", "application/json");
  response.end('{"fine":true}');
};

itBehavesLikeExecutions("the local adapter", async () => {
  const { executions, db } = make();
  onTestFinished(async () => {
    await executions.close();
    db.close();
  });
  return executions;
});

describe("requests of a workflow", () => {
  const call = async (url: string, audience: string, timeout = 5) => {
    const { executions } = make();
    onTestFinished(() => executions.close());
    const { id } = await executions.start({
      workflow: "calls",
      argument: { url, audience, timeout },
      cause: "c",
    });
    return (await ended(executions, id)).result;
  };

  test("carry a token that was minted for their audience, and JSON both ways", async () => {
    const { url, requests } = await serve(ok);
    expect(await call(`${url}/v1/x:claim`, url)).toEqual({ code: 200, body: { fine: true } });
    expect(requests).toEqual([
      { path: "/v1/x:claim", authorization: `Bearer token-for-${url}`, body: '{"hello":"world"}' },
    ]);
  });

  test("never take a token to another origin than it was minted for", async () => {
    const { url, requests } = await serve(ok);
    expect(await call(url, "https://api.example.com")).toEqual({ tags: ["AuthError"] });
    expect(requests).toEqual([]);
  });

  test("tell a connection that never came to be from one that broke and from silence", async () => {
    const gone = await serve(ok);
    await new Promise((resolve) => gone.server.close(resolve));
    expect(await call(gone.url, gone.url)).toMatchObject({
      tags: expect.arrayContaining(["ConnectionFailedError"]),
    });
    const breaking = await serve((_, response) => response.destroy());
    expect(await call(breaking.url, breaking.url)).toEqual({ tags: ["ConnectionError"] });
    const silent = await serve(() => undefined);
    expect(await call(silent.url, silent.url, 0.2)).toEqual({ tags: ["TimeoutError"] });
  });

  test("read no more of an answer than the language allows", async () => {
    const { url } = await serve((_, response) => response.end(Buffer.alloc(HTTP_RESPONSE_BYTES_MAX + 1)));
    const { executions } = make();
    onTestFinished(() => executions.close());
    const argument = { url, audience: url, timeout: 5 };
    const { id } = await executions.start({ workflow: "calls", argument, cause: "c" });
    // Passing a limit ends the execution: the workflow's own except does not see it.
    const { state, error } = await ended(executions, id);
    expect([state, error?.payload]).toEqual(["FAILED", expect.stringContaining("ResourceLimitError")]);
  });
});

describe("an execution that outlives its process", () => {
  test("goes on where it was: what was answered is not asked again, and a sleep keeps its end", async () => {
    const file = createDatabaseFile();
    const { url, requests } = await serve(ok);
    const clock = createVirtualClock();
    const before = make({ db: openDatabase(file), clock });
    const { id } = await before.executions.start({ workflow: "twice", argument: { url }, cause: "c" });
    await expect.poll(() => clock.sleeping()).toBe(1);
    await before.executions.close();
    before.db.close();

    await clock.advance(3_000_000);
    const after = make({ db: openDatabase(file), clock });
    onTestFinished(async () => {
      await after.executions.close();
      after.db.close();
    });
    expect(await after.executions.resume()).toBe(1);
    await expect.poll(() => clock.sleeping()).toBe(1);
    expect(requests.map(({ path }) => path)).toEqual(["/first"]);
    await clock.advance(600_000);
    expect(await ended(after.executions, id)).toMatchObject({ state: "SUCCEEDED", result: "twice" });
    expect(requests.map(({ path }) => path)).toEqual(["/first", "/second"]);
    expect(await after.executions.resume()).toBe(0);
  });

  test("asks again for what it had not heard the answer of", async () => {
    const file = createDatabaseFile();
    let answers = false;
    const { url, requests } = await serve((request, response) =>
      answers ? ok(request, response) : undefined,
    );
    const before = make({ db: openDatabase(file) });
    const argument = { url, audience: url, timeout: 60 };
    const { id } = await before.executions.start({ workflow: "calls", argument, cause: "c" });
    await expect.poll(() => requests.length).toBe(1);
    await before.executions.close();
    before.db.close();

    answers = true;
    const after = make({ db: openDatabase(file) });
    onTestFinished(async () => {
      await after.executions.close();
      after.db.close();
    });
    await after.executions.resume();
    expect(await ended(after.executions, id)).toMatchObject({ state: "SUCCEEDED", result: { code: 200 } });
    expect(requests).toHaveLength(2);
  });

  test("stays on the source that it was started with, though the shipped file has changed", async () => {
    const file = createDatabaseFile();
    const clock = createVirtualClock();
    const before = make({ db: openDatabase(file), clock });
    const { id } = await before.executions.start({ workflow: "waits", argument: null, cause: "c" });
    await expect.poll(() => clock.sleeping()).toBe(1);
    await before.executions.close();
    before.db.close();

    const after = make({ db: openDatabase(file), clock, workflow: () => CONTRACT_WORKFLOWS["fails"] });
    onTestFinished(async () => {
      await after.executions.close();
      after.db.close();
    });
    await after.executions.resume();
    await expect.poll(() => clock.sleeping()).toBe(1);
    await clock.advance(3_600_000);
    expect(await ended(after.executions, id)).toMatchObject({ state: "SUCCEEDED" });
  });
});
