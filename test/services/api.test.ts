// The API through its door.
import { expect, test } from "vitest";
import { as } from "./door.ts";
import { apiDoor } from "./api-door.ts";
import { batchOf, planStarted } from "../support/facts.ts";

const viewer = { headers: as("viewer") };

test("probes answer anyone", async () => {
  const { app } = await apiDoor();
  for (const url of ["/healthz", "/livez", "/startupz"]) {
    const response = await app.inject({ url });
    expect([response.statusCode, response.json()]).toEqual([200, { status: "ok" }]);
  }
});

test("a refusal for the role names the role that is needed", async () => {
  const { app } = await apiDoor();
  const response = await app.inject({
    method: "POST",
    url: "/v1/stacks/web:unblock",
    payload: { reason: "looked" },
    headers: as("engineer"),
  });
  expect(response.statusCode).toBe(403);
  expect(response.json().error).toMatchObject({
    status: "PERMISSION_DENIED",
    message: expect.stringContaining("this needs the role operator"),
    details: [{ reason: "ROLE_REQUIRED", metadata: { role: "engineer", needed: "operator" } }, {}],
  });
});

test("one resource is served as its view keeps it, and an unknown one says where to look", async () => {
  const { app, put } = await apiDoor();
  await put("plans", "stacks/web/plans/p1");
  const found = await app.inject({ url: "/v1/stacks/web/plans/p1", ...viewer });
  expect(found.json()).toEqual({ name: "stacks/web/plans/p1", createTime: "2026-01-02T03:04:05.000Z" });
  const missing = await app.inject({ url: "/v1/stacks/web/plans/p2", ...viewer });
  expect([missing.statusCode, missing.json().error.message]).toEqual([
    404,
    "stacks/web/plans/p2 does not exist. List /v1/stacks/:stack/plans to see which exist.",
  ]);
  expect((await app.inject({ url: "/v1/stacks/WEB", ...viewer })).statusCode).toBe(400);
});

test("a list is paged by tokens that fit no other question", async () => {
  const { app, put } = await apiDoor();
  await put("stacks", "stacks/a", "stacks/b", "stacks/c", "stacks/d", "stacks/e");
  await put("plans", "stacks/a/plans/p");
  const names: string[] = [];
  let token = "";
  let pages = 0;
  do {
    const { stacks, nextPageToken } = (
      await app.inject({ url: `/v1/stacks?pageSize=2&pageToken=${token}`, ...viewer })
    ).json();
    names.push(...stacks.map(({ name }: { name: string }) => name));
    token = nextPageToken;
    pages += 1;
  } while (token !== "");
  expect([names, pages]).toEqual([["stacks/a", "stacks/b", "stacks/c", "stacks/d", "stacks/e"], 3]);
  const { nextPageToken } = (await app.inject({ url: "/v1/stacks?pageSize=2", ...viewer })).json();
  for (const url of [
    `/v1/stacks/a/plans?pageToken=${nextPageToken}`,
    `/v1/stacks?pageToken=${nextPageToken}x`,
    "/v1/stacks?pageToken=abc",
    "/v1/stacks?pageSize=-1",
    "/v1/stacks?pageSize=true",
    "/v1/stacks?size=3",
  ]) {
    expect((await app.inject({ url, ...viewer })).statusCode, url).toBe(400);
  }
  expect((await app.inject({ url: "/v1/stacks?pageSize=0", ...viewer })).json().stacks).toHaveLength(5);
  expect((await app.inject({ url: "/v1/stacks?pageSize=99999999", ...viewer })).json().stacks).toHaveLength(
    5,
  );
});

test("a page token ends after a day", async () => {
  const { app, put, world } = await apiDoor();
  await put("stacks", "stacks/a", "stacks/b");
  const { nextPageToken } = (await app.inject({ url: "/v1/stacks?pageSize=1", ...viewer })).json();
  await world.clock.advance(24 * 60 * 60 * 1_000);
  const late = await app.inject({ url: `/v1/stacks?pageToken=${nextPageToken}`, ...viewer });
  expect(late.json().error.details[0].reason).toBe("PAGE_TOKEN_EXPIRED");
});

test("a dash lists across parents, from where it stands to the end", async () => {
  const { app, put } = await apiDoor();
  const versions = [
    "teams/a/models/m/versions/1",
    "teams/a/models/n/versions/1",
    "teams/b/models/m/versions/2",
  ];
  await put("modelVersions", ...versions);
  const list = async (parent: string) =>
    (await app.inject({ url: `/v1/teams/${parent}/versions`, ...viewer })).json();
  const names = async (parent: string) =>
    (await list(parent)).versions.map(({ name }: { name: string }) => name);
  expect(await names("-/models/-")).toEqual(versions);
  expect(await names("a/models/-")).toEqual(versions.slice(0, 2));
  expect(await names("b/models/m")).toEqual(versions.slice(2));
  expect((await list("-/models/m")).error.message).toMatch(/write `-` for it too/);
  expect((await list("a/models/..")).error?.code ?? 404).toBeGreaterThanOrEqual(400);
});

test("facts come newest first, by subject and type, page by page", async () => {
  const { app, world } = await apiDoor();
  for (const [index, build] of ["b1", "b2", "b3"].entries()) {
    await world.ledger.append(batchOf("stacks/web/plans/p", index, `c${index}`, [planStarted(build)]));
  }
  await world.ledger.append(batchOf("stacks/api/plans/p", 0, "other", [planStarted("b4")]));
  const get = async (query: string) => (await app.inject({ url: `/v1/facts${query}`, ...viewer })).json();
  const builds = async (query: string) =>
    (await get(query)).facts.map(({ data }: { data: { build: string } }) => data.build);
  expect(await builds("")).toEqual(["b4", "b3", "b2", "b1"]);
  expect(await builds("?orderBy=time")).toEqual(["b1", "b2", "b3", "b4"]);
  expect(await builds("?subject=stacks/web/plans/p&type=plan.started")).toEqual(["b3", "b2", "b1"]);
  expect(await builds("?subject=stacks/web/")).toEqual(["b3", "b2", "b1"]);
  expect(await builds("?type=dev.signalbox.plan.failed.v1&type=plan.finished")).toEqual([]);
  const first = await get("?pageSize=3");
  expect(await builds(`?pageSize=3&pageToken=${first.nextPageToken}`)).toEqual(["b1"]);
  expect((await get("?type=plan.imagined")).error.details[0].reason).toBe("UNKNOWN_FACT");
  expect((await get("?subject=../x")).error.code).toBe(400);
  expect((await get("?pageSize=1")).facts[0]).toMatchObject({
    type: "plan.started",
    subject: "stacks/api/plans/p",
    version: 1,
    actor: "people/test",
  });
});

test("an approval reaches the rules with digest and caller; a refusal of theirs keeps its reason", async () => {
  const { app, calls } = await apiDoor();
  const approve = (payload: object) =>
    app.inject({ method: "POST", url: "/v1/stacks/web/plans/p1:approve", payload, headers: as("operator") });
  expect((await approve({ digest: "plan-sha256:k:1" })).json()).toMatchObject({
    plan: "stacks/web/plans/p1",
    approved: true,
  });
  expect(calls).toMatchObject([
    {
      request: { plan: "stacks/web/plans/p1", digest: "plan-sha256:k:1" },
      caller: { principal: "grace", codeHostLogins: ["grace-ops"] },
    },
  ]);
  expect((await approve({})).json().error.message).toBe("digest is missing: add it.");
  const unblock = await app.inject({
    method: "POST",
    url: "/v1/stacks/web:unblock",
    payload: { reason: "looked" },
    headers: as("operator"),
  });
  expect([unblock.statusCode, unblock.json().error.details[0].reason]).toEqual([400, "NOT_BLOCKED"]);
});

test("a build is shown with its log, from any offset", async () => {
  const { app } = await apiDoor();
  expect((await app.inject({ url: "/v1/builds/known", ...viewer })).json()).toMatchObject({
    name: "builds/known",
    state: "RUNNING",
  });
  expect((await app.inject({ url: "/v1/builds/other", ...viewer })).statusCode).toBe(404);
  expect((await app.inject({ url: "/v1/builds/other/logs", ...viewer })).statusCode).toBe(404);
  const logs = await app.inject({ url: "/v1/builds/known/logs?offset=6", ...viewer });
  expect([
    logs.body,
    logs.headers["content-type"],
    logs.headers["x-signalbox-next-offset"],
    logs.headers["x-signalbox-complete"],
  ]).toEqual(["2 to add.\n<b>", "text/plain; charset=utf-8", "19", "false"]);
});

test("a question about lineage is passed on with name, direction and time", async () => {
  const { app, calls } = await apiDoor();
  const ask = (path: string) => app.inject({ url: `/v1/${path}`, ...viewer });
  expect(
    (await ask("teams/default/endpoints/ranker:queryLineage?at=2026-01-02T03:04:05Z")).json(),
  ).toMatchObject({ name: "teams/default/endpoints/ranker" });
  expect(
    (await ask("teams/default/models/ranker/versions/2:queryLineage?direction=downstream")).statusCode,
  ).toBe(200);
  expect(calls).toEqual([
    { name: "teams/default/endpoints/ranker", direction: "upstream", at: "2026-01-02T03:04:05Z" },
    { name: "teams/default/models/ranker/versions/2", direction: "downstream" },
  ]);
  expect((await ask("teams/default/runs/unknown:queryLineage")).statusCode).toBe(404);
  expect((await ask("teams/default/endpoints/ranker:queryLineage?at=yesterday")).statusCode).toBe(400);
});

test("deliveries are listed newest first with what became of them", async () => {
  const { app, world } = await apiDoor();
  for (const n of ["1", "2", "3"]) {
    await world.receipts.put({
      guid: `g-${n}`,
      event: "push",
      bodyHash: `sha256:${n}`,
      body: new Uint8Array([1]),
      receivedAt: `2026-01-02T03:04:0${n}.000Z`,
    });
  }
  await world.receipts.settle("g-2", {
    outcome: "ignored",
    reason: "a ping asks for nothing",
    time: "2026-01-02T03:05:00.000Z",
  });
  const first = (await app.inject({ url: "/v1/deliveries?pageSize=2", ...viewer })).json();
  expect(first.deliveries).toMatchObject([
    { name: "deliveries/g-3", state: "PENDING" },
    { name: "deliveries/g-2", state: "IGNORED", reason: "a ping asks for nothing" },
  ]);
  const second = (
    await app.inject({ url: `/v1/deliveries?pageSize=2&pageToken=${first.nextPageToken}`, ...viewer })
  ).json();
  expect([second.deliveries.length, second.nextPageToken]).toEqual([1, ""]);
  const data = {
    event: "push",
    action: "",
    repository: "acme/platform",
    sender: "grace-ops",
    bodyHash: "sha256:2",
  };
  await world.ledger.append(batchOf("deliveries/g-2", 0, "c", [{ type: "delivery.received", data }]));
  expect((await app.inject({ url: "/v1/deliveries/g-2", ...viewer })).json()).toMatchObject({
    repository: "acme/platform",
    event: "push",
    state: "IGNORED",
  });
  expect((await app.inject({ url: "/v1/deliveries/g-9", ...viewer })).statusCode).toBe(404);
});

test("dead letters are listed with their number; an unknown execution is 404", async () => {
  const { app, world } = await apiDoor();
  await world.deadLetters.put({
    id: "d1",
    service: "registry",
    reason: "INVALID_FACT",
    message: "no",
    payload: { a: 1 },
    time: "2026-01-02T03:04:05.000Z",
  });
  expect((await app.inject({ url: "/v1/deadLetters", ...viewer })).json()).toMatchObject({
    totalSize: 1,
    deadLetters: [
      { name: "deadLetters/d1", service: "registry", payload: { a: 1 }, state: "WAITING", failures: 1 },
    ],
  });
  expect((await app.inject({ url: "/v1/executions/none", ...viewer })).statusCode).toBe(404);
});

test("a token buys a code for the page, and an address that takes it there", async () => {
  const { app } = await apiDoor();
  const headers = { ...as("viewer"), host: "127.0.0.1:7420" };
  const created = (await app.inject({ method: "POST", url: "/v1/sessions", headers })).json();
  expect(created).toEqual({
    code: expect.stringMatching(/^[\w-]{43}$/),
    url: `http://127.0.0.1:7420/session?code=${created.code}`,
    expireTime: "2026-01-02T03:05:05.000Z",
  });
});
