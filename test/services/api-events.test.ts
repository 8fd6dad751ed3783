// Outside events through the door of the API: both modes of CloudEvents, the allow-list, and once.
import { expect, test } from "vitest";
import { invalidArgument } from "../../shared/domain/errors.ts";
import { OUTSIDE_EVENTS } from "../../shared/domain/outside-events.ts";
import { apiDoor } from "./api-door.ts";
import { as, listen, rawExchange } from "./door.ts";

const TYPE = "dev.signalbox.model-version.registered.v1";
const data = {
  model: "ranker",
  artifact: { uri: "file:///models/ranker/1", digest: `sha256:${"0".repeat(64)}` },
  metrics: { auc: 0.91 },
};
const event = (change: object = {}) => ({
  specversion: "1.0",
  id: "e-1",
  source: "/trainer",
  type: TYPE,
  data,
  ...change,
});

async function door() {
  const api = await apiDoor();
  const send = (body: object | string, headers: Record<string, string> = {}) =>
    api.app.inject({
      method: "POST",
      url: "/v1/events",
      payload: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/cloudevents+json", ...as("engineer"), ...headers },
    });
  return { ...api, send };
}

const problem = (response: { json(): { error: { message: string; details: { reason: string }[] } } }) => {
  const { message, details } = response.json().error;
  return `${details[0]?.reason}: ${message}`;
};

test("structured and binary mode say the same", async () => {
  const { send, calls } = await door();
  const structured = await send(event({ traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` }), {
    "content-type": "application/cloudevents+json; charset=utf-8",
  });
  expect([structured.statusCode, structured.json()]).toEqual([
    202,
    { name: "teams/default/models/ranker/versions/1" },
  ]);
  const binary = await send(data, {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "e-1",
    "ce-source": "/tr%61iner",
    "ce-type": TYPE,
  });
  expect([binary.statusCode, binary.json()]).toEqual([202, structured.json()]);
  expect(calls).toMatchObject([
    { type: TYPE, data, correlation: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` },
    { type: TYPE, data, correlation: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) as string },
  ]);
  expect(new Set(calls.map((call) => (call as { cause: string }).cause)).size).toBe(1);
});

test("the same event again gets the same answer, its id with other content is refused, and another sender's id is another event", async () => {
  const { send, calls } = await door();
  const first = await send(event());
  expect((await send(event())).json()).toEqual(first.json());
  const other = await send(event({ data: { ...data, model: "other" } }));
  expect([other.statusCode, problem(other)]).toEqual([409, expect.stringContaining("EVENT_ID_REUSED")]);
  expect((await send(event({ source: "/elsewhere", data: { ...data, model: "other" } }))).statusCode).toBe(
    202,
  );
  expect((await send(event({ data: { ...data, model: "other" } }), as("admin"))).statusCode).toBe(202);
  expect(new Set(calls.map((call) => (call as { cause: string }).cause)).size).toBe(3);
});

test("an event that was refused may be corrected and sent again under its id", async () => {
  let refuse = true;
  const answer = { name: "teams/default/runs/r", resource: { name: "teams/default/runs/r" } };
  const handler = async () => {
    if (refuse) throw invalidArgument("data.outputUri", "data.outputUri is outside of the configured roots.");
    return answer;
  };
  const { app } = await apiDoor({
    outsideHandlers: () => ({ [TYPE]: handler, "dev.signalbox.run.requested.v1": handler }),
  });
  const send = (outputUri: string) =>
    app.inject({
      method: "POST",
      url: "/v1/events",
      headers: { "content-type": "application/cloudevents+json", ...as("engineer") },
      payload: JSON.stringify(
        event({ type: "dev.signalbox.run.requested.v1", data: { entrypoint: "python a.py", outputUri } }),
      ),
    });
  expect((await send("file:///wrong")).statusCode).toBe(400);
  refuse = false;
  expect((await send("file:///right")).statusCode).toBe(202);
});

test.each<[string, object, RegExp]>([
  [
    "an inner fact",
    { type: "dev.signalbox.rollout.promoted.v1" },
    /EVENT_TYPE_NOT_ALLOWED.*only Signalbox itself records/,
  ],
  [
    "an unknown type",
    { type: "com.example.thing" },
    /EVENT_TYPE_NOT_ALLOWED.*Send one of dev\.signalbox\.model-version/,
  ],
  ["a type of the prototype", { type: "constructor" }, /EVENT_TYPE_NOT_ALLOWED/],
  ["no id", { id: undefined }, /INVALID_CLOUD_EVENT: id is missing/],
  ["an empty source", { source: "" }, /source must be a text/],
  ["another version", { specversion: "0.3" }, /send CloudEvents 1\.0/],
  ["a wrong time", { time: "yesterday" }, /time is not an RFC 3339 time/],
  ["data in base64", { data_base64: "e30=" }, /send the data as JSON/],
  ["data of another media type", { datacontenttype: "text/xml" }, /datacontenttype is not JSON/],
  ["an attribute with an upper-case name", { Subject: "x" }, /is not an attribute name/],
  ["a line break in an attribute", { subject: "a\nb" }, /without control characters/],
  ["no data", { data: undefined }, /data must be object/],
  [
    "data without a model",
    { data: { artifact: data.artifact } },
    /MISSING_FIELD: data\.model is missing: add it/,
  ],
  [
    "data with more than is known",
    { data: { ...data, role: "admin" } },
    /UNKNOWN_FIELD: data\.role is not a field/,
  ],
  [
    "an artifact with more than is known",
    { data: { ...data, artifact: { ...data.artifact, size: 1 } } },
    /data\.artifact\.size is not a field/,
  ],
  [
    "a metric that is no number",
    { data: { ...data, metrics: { auc: "0.9" } } },
    /data\.metrics\.auc must be number/,
  ],
])("%s is refused with field and remedy", async (_what, change, expected) => {
  const { send, calls } = await door();
  const response = await send(event(change));
  expect(response.statusCode).toBe(400);
  expect(problem(response)).toMatch(expected);
  expect(calls).toEqual([]);
});

test.each([
  ["a viewer", "viewer", 403],
  ["a workflow", "workflow", 403],
  ["an operator", "operator", 202],
] as const)("%s who sends an event is answered %s", async (_who, role, status) => {
  const { send } = await door();
  expect((await send(event(), as(role))).statusCode).toBe(status);
});

test("JSON that is no CloudEvent, a batch and other media types are refused with what to send", async () => {
  const { send } = await door();
  expect(problem(await send(data, { "content-type": "application/json" }))).toMatch(/Send a CloudEvent/);
  expect((await send([event()], { "content-type": "application/cloudevents-batch+json" })).statusCode).toBe(
    415,
  );
  expect((await send("[]")).statusCode).toBe(400);
  expect((await send(`{"id":"a","id":"b"}`)).statusCode).toBe(400);
  expect((await send(JSON.stringify(event()).replace('"model"', '"__proto__":{},"model"'))).statusCode).toBe(
    400,
  );
});

test("a doubled ce- header is refused", async () => {
  const { app } = await apiDoor();
  const body = JSON.stringify(data);
  const { text } = await rawExchange(
    await listen(app),
    `POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${as("engineer").authorization}\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\nce-id: a\r\nce-id: b\r\nce-source: /s\r\nce-type: ${TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(text).toMatch(/^HTTP\/1\.1 400 [^]*ce-id came twice/);
});

test("registering a version by a call goes through the same door", async () => {
  const { app, calls } = await apiDoor();
  const { model: _, ...payload } = data;
  const create = (query: string, body: object = payload, role: "engineer" | "viewer" = "engineer") =>
    app.inject({
      method: "POST",
      url: `/v1/teams/default/models/ranker/versions${query}`,
      payload: body,
      headers: as(role),
    });
  const first = await create("?versionId=2026-11");
  expect([first.statusCode, first.json()]).toEqual([
    200,
    expect.objectContaining({ name: "teams/default/models/ranker/versions/1", state: "CREATED" }),
  ]);
  expect(calls).toMatchObject([
    { type: TYPE, data: { team: "default", model: "ranker", version: "2026-11", artifact: data.artifact } },
  ]);
  expect((await create("?versionId=2026-11")).json()).toEqual(first.json());
  expect((await create("?requestId=r1")).statusCode).toBe(200);
  expect((await create("?requestId=r1", { ...payload, commit: "abc" })).statusCode).toBe(409);
  expect((await create("", { ...payload, team: "other" })).json().error.message).toMatch(
    /team is not a field/,
  );
  expect((await create("", payload, "viewer")).statusCode).toBe(403);
});

test("every type of the allow-list is handled and needs at least an engineer", () => {
  expect(Object.keys(OUTSIDE_EVENTS)).toEqual([TYPE, "dev.signalbox.run.requested.v1"]);
  for (const { role } of Object.values(OUTSIDE_EVENTS)) expect(role).toBe("engineer");
});
