// The stock client of Google's Workflow Executions API against our server, over real HTTP.
import workflowsModule from "@google-cloud/workflows";
import { OAuth2Client } from "google-auth-library";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { Role } from "../../shared/domain/role.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { workflowExecutionRoutes } from "../../services/api/routes/workflow-executions.ts";
import { as, listen, rememberingLog, testIdentity } from "../services/door.ts";

const { ExecutionsClient } = workflowsModule;

const WORKFLOWS: Readonly<Record<string, string>> = {
  greets: `
main:
  params: [args]
  steps:
    - greet:
        return: \${"Hello " + args.name}
`,
  fails: `
main:
  steps:
    - go:
        call: deeper
deeper:
  steps:
    - fail:
        raise: {code: 55, message: no luck}
`,
  waits: `
- wait:
    call: sys.sleep
    args: {seconds: 3600}
`,
  beats: `
- make:
    call: events.create_callback_endpoint
    args: {http_callback_method: HEAD}
    result: endpoint
- wait:
    call: events.await_callback
    args: {callback: "\${endpoint}"}
    result: answer
- over:
    return: \${answer.http_request.method}
`,
  asks: `
- make:
    call: events.create_callback_endpoint
    args: {http_callback_method: POST}
    result: endpoint
- wait:
    call: events.await_callback
    args: {callback: "\${endpoint}", timeout: 3600}
    result: answer
- over:
    return: \${answer.http_request}
`,
};

/** How long an execution may take to get somewhere, in real milliseconds. */
const PATIENCE_MS = 5_000;

/** The API over real HTTP, with a client for each role. */
async function platform(options: { readonly activeMax?: number } = {}) {
  const db = openDatabase(":memory:");
  const log = rememberingLog();
  let url = "";
  const executions = createExecutions({
    db,
    clock: systemClock,
    log,
    workflow: (name) => WORKFLOWS[name],
    identity: createWorkflowIdentity({ mint: async () => "token" }),
    callbackBase: (workflow, id) =>
      `${url}/v1/projects/p/locations/l/workflows/${workflow}/executions/${id}/callbacks`,
    ...options,
  });
  const server = createServer({ clock: systemClock, log, identity: testIdentity(), drainMs: 0 });
  const signer = createTextSigner(Buffer.alloc(32, 7));
  await server.register(workflowExecutionRoutes({ clock: systemClock, signer, workflows: executions.api }));
  const port = await listen(server);
  url = `http://127.0.0.1:${port}`;
  const client = (role: Role) => {
    const authClient = new OAuth2Client();
    const token = as(role).authorization.slice("Bearer ".length);
    authClient.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 });
    const made = new ExecutionsClient({
      fallback: true,
      protocol: "http",
      apiEndpoint: "127.0.0.1",
      port,
      authClient: authClient as never,
      projectId: "p",
    });
    onTestFinished(() => made.close());
    return made;
  };
  onTestFinished(async () => {
    await executions.close();
    await server.close();
    db.close();
  });
  const engineer = client("engineer");
  const parent = (workflow: string): string => engineer.workflowPath("p", "l", workflow);
  const create = async (workflow: string, argument?: unknown, labels = {}) => {
    const json = argument === undefined ? {} : { argument: JSON.stringify(argument) };
    const [execution] = await engineer.createExecution({
      parent: parent(workflow),
      execution: { ...json, labels },
    });
    return execution;
  };
  const reaches = async (name: string | null | undefined, state: string) => {
    const get = async () => (await engineer.getExecution({ name: name ?? "" }))[0];
    await expect.poll(async () => (await get()).state, { timeout: PATIENCE_MS, interval: 10 }).toBe(state);
    return get();
  };
  const http = (
    role: Role,
    path: string,
    init: { method?: string; body?: string; headers?: Readonly<Record<string, string>> } = {},
  ) =>
    fetch(path.startsWith("http") ? path : `${url}${path}`, {
      ...init,
      headers: { ...as(role), ...init.headers },
    });
  return { url, engineer, client, parent, create, reaches, http, executions };
}

describe("the stock ExecutionsClient", () => {
  test("creates an execution and gets its result", async () => {
    const { create, reaches, parent } = await platform();
    const created = await create("greets", { name: "Ada" }, { team: "ranking" });
    expect(created.name).toMatch(new RegExp(`^${parent("greets")}/executions/[\\w-]+$`));
    expect(created.state).toMatch(/^(ACTIVE|SUCCEEDED)$/);
    const done = await reaches(created.name, "SUCCEEDED");
    expect(done).toMatchObject({
      argument: '{"name":"Ada"}',
      result: '"Hello Ada"',
      labels: { team: "ranking" },
      error: null,
    });
    expect(Number(done.startTime?.seconds)).toBeGreaterThan(1_700_000_000);
    expect(Number(done.endTime?.seconds)).toBeGreaterThanOrEqual(Number(done.startTime?.seconds));
    expect(done.duration).not.toBeNull();
    expect(done.workflowRevisionId).toMatch(/^000001-[0-9a-f]{3}$/);
  });

  test("gets the error with payload, context and stack trace", async () => {
    const { create, reaches } = await platform();
    const failed = await reaches((await create("fails")).name, "FAILED");
    expect(JSON.parse(failed.error?.payload ?? "")).toEqual({ code: 55, message: "no luck" });
    expect(failed.error?.context).toContain('in step "fail", routine "deeper", line: 8');
    expect(failed.error?.stackTrace?.elements).toMatchObject([
      { step: "fail", routine: "deeper", position: { line: "8" } },
      { step: "go", routine: "main", position: { line: "4" } },
    ]);
  });

  test("tells where an execution stands, and cancels it", async () => {
    const { create, reaches, engineer } = await platform();
    const { name } = await create("waits");
    await expect
      .poll(async () => (await engineer.getExecution({ name: name ?? "" }))[0].status?.currentSteps, {
        timeout: PATIENCE_MS,
      })
      .toMatchObject([{ routine: "main", step: "wait" }]);
    const [cancelled] = await engineer.cancelExecution({ name: name ?? "" });
    expect(cancelled.state).toBe("CANCELLED");
    await reaches(name, "CANCELLED");
    await expect(engineer.cancelExecution({ name: name ?? "" })).rejects.toThrow(
      /only one that is ACTIVE or QUEUED/,
    );
  });

  test("lists the newest first, by page and by filter, in both views", async () => {
    const { create, reaches, engineer, parent } = await platform();
    const names: (string | null | undefined)[] = [];
    for (const [index, name] of ["a", "b", "c"].entries()) {
      const { name: execution } = await create("greets", { name }, { idem: `key${index}` });
      await reaches(execution, "SUCCEEDED");
      names.unshift(execution);
    }
    const [all] = await engineer.listExecutions({ parent: parent("greets"), pageSize: 2 });
    expect(all.map(({ name }) => name)).toEqual(names);
    expect(all[0]).toMatchObject({ state: "SUCCEEDED", result: "" });
    const [, , firstPage] = await engineer.listExecutions(
      { parent: parent("greets"), pageSize: 2, view: "FULL" },
      { autoPaginate: false },
    );
    expect(firstPage).toMatchObject({ executions: [{ result: '"Hello c"' }, { result: '"Hello b"' }] });
    expect(firstPage?.nextPageToken).not.toBe("");
    const filtered = async (filter: string) =>
      (await engineer.listExecutions({ parent: parent("greets"), filter }))[0].map(({ name }) => name);
    expect(await filtered('label="idem:key1"')).toEqual([names[1]]);
    expect(await filtered('state="FAILED"')).toEqual([]);
    expect(await filtered(`executionID="${names[2]?.split("/").at(-1)}" OR label="idem:key0"`)).toEqual([
      names[2],
    ]);
    const [ordered] = await engineer.listExecutions({ parent: parent("greets"), orderBy: "startTime" });
    expect(ordered.map(({ name }) => name)).toEqual(names.toReversed());
  });

  test("sees one that waits in the queue start when another has ended, and may cancel it there", async () => {
    const { create, reaches, engineer } = await platform({ activeMax: 1 });
    const first = await create("waits");
    const second = await create("greets", { name: "Ada" });
    const third = await create("greets", { name: "Bob" });
    expect([first.state, second.state, third.state]).toEqual(["ACTIVE", "QUEUED", "QUEUED"]);
    expect(second.startTime).toBeNull();
    expect((await engineer.cancelExecution({ name: third.name ?? "" }))[0].state).toBe("CANCELLED");
    await engineer.cancelExecution({ name: first.name ?? "" });
    expect(await reaches(second.name, "SUCCEEDED")).toMatchObject({ result: '"Hello Ada"' });
    expect((await reaches(third.name, "CANCELLED")).startTime).toBeNull();
  });

  test("is told in words what does not exist, is no argument, or is not allowed", async () => {
    const { engineer, client, parent, create } = await platform();
    const missing = engineer.getExecution({ name: `${parent("greets")}/executions/nobody` });
    await expect(missing).rejects.toThrow(/nobody does not exist/);
    await expect(create("unheard-of")).rejects.toThrow(/unheard-of does not exist/);
    const execution = { argument: "{name: Ada}" };
    await expect(engineer.createExecution({ parent: parent("greets"), execution })).rejects.toThrow(
      /no JSON text/,
    );
    await expect(create("greets", {}, { Team: "ranking" })).rejects.toThrow(/Team/);
    const viewer = client("viewer");
    await expect(viewer.createExecution({ parent: parent("greets") })).rejects.toThrow(/engineer/);
    expect((await viewer.listExecutions({ parent: parent("greets") }))[0]).toEqual([]);
    await expect(viewer.listExecutions({ parent: parent("greets"), filter: "color=red" })).rejects.toThrow(
      /color/,
    );
  });
});

describe("over plain REST", () => {
  const base = "/v1/projects/p/locations/l/workflows";

  test("a workflow shows its source and revision", async () => {
    const { http } = await platform();
    const answer = await http("viewer", `${base}/greets`);
    expect(await answer.json()).toMatchObject({
      name: "projects/p/locations/l/workflows/greets",
      state: "ACTIVE",
      revisionId: expect.stringMatching(/^000001-[0-9a-f]{3}$/) as string,
      sourceContents: WORKFLOWS["greets"],
    });
  });

  test("an execution is created and cancelled also without any body", async () => {
    const { http } = await platform();
    const created = await http("engineer", `${base}/waits/executions`, { method: "POST" });
    const { name, argument } = (await created.json()) as { name: string; argument: string };
    expect(argument).toBe("null");
    const cancelled = await http("engineer", `/v1/${name}:cancel`, { method: "POST" });
    expect(await cancelled.json()).toMatchObject({ state: "CANCELLED" });
  });

  test("a mistake in a new execution is named by its field", async () => {
    const { http } = await platform();
    const headers = { "content-type": "application/json" };
    const create = async (body: unknown) =>
      (
        await http("engineer", `${base}/greets/executions`, {
          method: "POST",
          body: JSON.stringify(body),
          headers,
        })
      ).text();
    expect(await create({ argument: 5 })).toMatch(/argument must be/);
    expect(await create({ labels: { UPPER: "x" } })).toMatch(/UPPER/);
    expect(await create({ labels: { team: "Ä" } })).toMatch(/labels\.team may hold small letters/);
    expect(await create({ labels: { team: "a b" } })).toMatch(/labels\.team/);
    expect(await create({ callLogLevel: "LOUD" })).toMatch(/callLogLevel/);
  });

  test("a callback may be one of HEAD, which is answered like any other", async () => {
    const { http, create, reaches } = await platform();
    const { name } = await create("beats");
    const path = `/v1/${name}/callbacks`;
    const urls = async () =>
      ((await (await http("viewer", path)).json()) as { callbacks: { url: string }[] }).callbacks.map(
        ({ url }) => url,
      );
    await expect.poll(urls, { timeout: PATIENCE_MS }).toHaveLength(1);
    const [url = ""] = await urls();
    expect((await http("engineer", url, { method: "HEAD" })).status).toBe(200);
    expect((await reaches(name, "SUCCEEDED")).result).toBe('"HEAD"');
  });

  test("no place in the queue is taken when that is not wanted", async () => {
    const { http, create } = await platform({ activeMax: 1 });
    await create("waits");
    const body = JSON.stringify({ disableConcurrencyQuotaOverflowBuffering: true });
    const headers = { "content-type": "application/json" };
    const answer = await http("engineer", `${base}/greets/executions`, { method: "POST", body, headers });
    expect(answer.status).toBe(429);
  });

  test("a callback is listed, takes one request of its method, and goes on with it", async () => {
    const { http, create, reaches } = await platform();
    const { name } = await create("asks");
    const callbacks = async () =>
      (
        (await (await http("viewer", `/v1/${name}/callbacks`)).json()) as {
          callbacks: { url: string; method: string }[];
        }
      ).callbacks;
    await expect.poll(async () => (await callbacks()).length, { timeout: PATIENCE_MS }).toBe(1);
    const [{ url, method } = { url: "", method: "" }] = await callbacks();
    expect(method).toBe("POST");
    expect((await http("viewer", url, { method: "POST", body: "{}" })).status).toBe(403);
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await http("engineer", url, { method: "PUT", body: "{}" })).status).toBe(405);
    expect((await http("engineer", `${url}x`, { method: "POST", body: "{}" })).status).toBe(404);
    const headers = { "content-type": "text/plain", "x-who": "ada" };
    const taken = await http("engineer", `${url}?mood=good`, { method: "POST", body: "yes", headers });
    expect([taken.status, await taken.text()]).toEqual([200, ""]);
    const { result } = await reaches(name, "SUCCEEDED");
    expect(JSON.parse(result ?? "")).toMatchObject({
      body: "yes",
      method: "POST",
      query: "mood=good",
      headers: { "X-Who": "ada" },
      url: new URL(url).pathname,
    });
    expect(result).not.toContain("Bearer");
    expect((await http("engineer", url, { method: "POST", body: "{}" })).status).toBe(404);
    expect(await callbacks()).toEqual([]);
  });
});
