// Outside events that come over Pub/Sub: the same checks as over HTTPS, and what can never be taken is kept for a person.
import { expect, test } from "vitest";
import { createOutsideDoor } from "../../services/api/outside-door.ts";
import { createOutsidePush } from "../../services/api/outside-push.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { OutsideHandlers } from "../../shared/domain/outside-events.ts";
import type { Role } from "../../shared/domain/role.ts";
import { createWorld } from "../support/world.ts";
import { onTestFinished } from "vitest";

const TYPE = "dev.signalbox.model-version.registered.v1";
const DATA = { model: "ranker", artifact: { uri: "file:///m", digest: `sha256:${"0".repeat(64)}` } };
const ATTRIBUTES = { "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "//trainer", "ce-type": TYPE };

function world(role: Role = "engineer") {
  const ports = createWorld({});
  onTestFinished(() => ports.close());
  const taken: unknown[] = [];
  let failure: Error | undefined;
  const handle = async (event: { readonly data: unknown }) => {
    if (failure !== undefined) throw failure;
    taken.push(event.data);
    return { name: "teams/default/models/ranker/versions/1" };
  };
  const handlers = new Proxy({}, { get: () => handle }) as unknown as OutsideHandlers;
  const door = createOutsideDoor({ ...ports, outsideHandlers: () => handlers });
  const caller = { principal: "topics/events", role, codeHostLogins: [] } as const;
  const accept = createOutsidePush({ ...ports, door, caller });
  return { ...ports, taken, accept, fail: (error?: Error) => (failure = error) };
}

const push = (data: unknown, attributes: Readonly<Record<string, string>> = ATTRIBUTES): Buffer => {
  const bytes = Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
  return Buffer.from(
    JSON.stringify({ message: { data: bytes.toString("base64"), messageId: "1", attributes } }),
  );
};

test("an event is taken in both modes, and no letter is kept", async () => {
  const { accept, taken, deadLetters } = world();
  expect(await accept(push(DATA))).toBe(204);
  const structured = { specversion: "1.0", id: "e2", source: "//trainer", type: TYPE, data: DATA };
  expect(
    await accept(push(structured, { "Content-Type": "application/cloudevents+json; charset=UTF-8" })),
  ).toBe(204);
  expect(taken).toEqual([DATA, DATA]);
  expect((await deadLetters.list(1)).total).toBe(0);
});

test.each<[string, Buffer, Role, string]>([
  [
    "a fact that only we record",
    push(DATA, { ...ATTRIBUTES, "ce-type": "dev.signalbox.plan.approved.v1" }),
    "engineer",
    "EVENT_TYPE_NOT_ALLOWED",
  ],
  [
    "a type that nobody knows",
    push(DATA, { ...ATTRIBUTES, "ce-type": "com.example.x" }),
    "engineer",
    "EVENT_TYPE_NOT_ALLOWED",
  ],
  ["a role that is too small", push(DATA), "viewer", "ROLE_REQUIRED"],
  ["keys that reach a prototype", push('{"model":"r","__proto__":{}}'), "engineer", "KEY_FORBIDDEN"],
  ["a key that is there twice", push('{"model":"r","model":"s"}'), "engineer", "KEY_TWICE"],
  ["text that is no JSON", push("x"), "engineer", "NOT_JSON"],
  [
    "an attribute in two spellings",
    push(DATA, { ...ATTRIBUTES, "CE-ID": "e2" }),
    "engineer",
    "INVALID_CLOUD_EVENT",
  ],
  ["what is no push", Buffer.from("{}"), "engineer", "INVALID_PUSH"],
])("%s is kept as a dead letter, once, and changes nothing", async (_what, body, role, reason) => {
  const { accept, taken, deadLetters } = world(role);
  expect([await accept(body), await accept(body)]).toEqual([204, 204]);
  const { letters, total } = await deadLetters.list(5);
  expect([total, letters[0]?.reason, letters[0]?.service, taken]).toEqual([1, reason, "events", []]);
});

test("attributes that Google and its libraries add change nothing", async () => {
  const { accept, taken, deadLetters } = world();
  const google = {
    googclient_traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    googclient_schemaencoding: "JSON",
    googclient_schemaname: "projects/acme/schemas/registered",
    googclient_schemarevisionid: "a75ff1fd",
  };
  expect(await accept(push(DATA, { ...ATTRIBUTES, ...google }))).toBe(204);
  expect([taken, (await deadLetters.list(1)).total]).toEqual([[DATA], 0]);
});

test("a message whose answer was lost comes again with another attempt, and is one letter", async () => {
  const { accept, deadLetters } = world();
  const attempt = (deliveryAttempt: number): Buffer =>
    Buffer.from(JSON.stringify({ ...JSON.parse(push("x").toString()), deliveryAttempt }));
  for (const body of [attempt(1), attempt(2), push("y")]) expect(await accept(body)).toBe(204);
  expect((await deadLetters.list(5)).total).toBe(2);
});

test("data that is not what the type says is a dead letter; the same id with other content too", async () => {
  const { accept, taken, deadLetters } = world();
  expect(await accept(push({ ...DATA, role: "admin" }))).toBe(204);
  expect(await accept(push(DATA))).toBe(204);
  expect(await accept(push(DATA))).toBe(204);
  expect(await accept(push({ ...DATA, model: "other" }))).toBe(204);
  expect(taken.length).toBeGreaterThan(0);
  expect((await deadLetters.list(5)).letters.map(({ reason }) => reason)).toContain("EVENT_ID_REUSED");
  expect((await deadLetters.list(5)).total).toBe(2);
});

test("what fails for now is asked for again", async () => {
  const { accept, taken, fail, deadLetters } = world();
  for (const error of [
    new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" }),
    new TypeError("defect"),
  ]) {
    fail(error);
    expect(await accept(push(DATA))).toBe(503);
  }
  fail(undefined);
  expect(await accept(push(DATA))).toBe(204);
  expect([taken.length, (await deadLetters.list(1)).total]).toEqual([1, 0]);
});
