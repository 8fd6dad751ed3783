// `POST /v1/events:push` through its door: a real token of an issuer on loopback, and what is turned away before anything reads it.
import { describe, expect, onTestFinished, test } from "vitest";
import { modelVersionRegistered } from "../../services/api/models/register.ts";
import { createOutsideDoor } from "../../services/api/outside-door.ts";
import { EVENT_PUSH_BYTES_MAX, eventPushRoutes } from "../../services/api/routes/events-push.ts";
import { createPushTokenGuard, googleKeys } from "../../shared/adapters/google/push-token.ts";
import type { OutsideHandlers } from "../../shared/domain/outside-events.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { makeKey, type Said, startIssuer } from "../support/google/oidc-issuer-fake.ts";
import { createWorld } from "../support/world.ts";
import { listen } from "./door.ts";

const TYPE = "dev.signalbox.model-version.registered.v1";
const MODEL = "teams/default/models/ranker";
const DATA = { model: "ranker", artifact: { uri: "file:///m", digest: `sha256:${"0".repeat(64)}` } };
const SUBSCRIPTION = "projects/acme/subscriptions/signalbox-prod-events";
const ACCOUNT = "signalbox-prod-to-events@acme.iam.gserviceaccount.com";
const AUDIENCE = "signalbox-prod-api-programs";
const [key, foreign] = await Promise.all([makeKey("first"), makeKey("first")]);

async function door() {
  const ports = createWorld({});
  const { clock } = ports;
  const now = (): number => Math.floor(clock.now().getTime() / 1_000);
  const issuer = await startIssuer({
    first: key,
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: AUDIENCE,
      sub: "1000",
      email: ACCOUNT,
      email_verified: true,
      iat: now(),
      exp: now() + 600,
    }),
  });
  const keys = googleKeys(clock, issuer.keysUrl);
  const guard = createPushTokenGuard({ audience: AUDIENCE, serviceAccounts: [ACCOUNT], keys, clock });
  const outsideHandlers = (over: Parameters<typeof modelVersionRegistered>[0]): OutsideHandlers => ({
    [TYPE]: modelVersionRegistered(over),
    "dev.signalbox.run.requested.v1": async () => Promise.reject(new Error("not asked")),
  });
  const server = createServer(ports);
  await server.register(
    eventPushRoutes({
      ...ports,
      door: createOutsideDoor({ ...ports, outsideHandlers }),
      guard,
      subscription: SUBSCRIPTION,
    }),
  );
  const port = await listen(server);
  onTestFinished(async () => {
    await server.close();
    await ports.close();
  });
  const send = (body: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/v1/events:push`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  const push = async (body: string, said: Said = {}): Promise<number> =>
    (await send(body, { authorization: `Bearer ${await issuer.sign(said)}` })).status;
  const recorded = async () => (await ports.ledger.read(MODEL, 0)).facts;
  return { ...ports, issuer, send, push, recorded };
}

const event = (change: Readonly<Record<string, unknown>> = {}) => ({
  specversion: "1.0",
  id: "e1",
  source: "//trainer",
  type: TYPE,
  data: DATA,
  ...change,
});
const body = (data: unknown = event(), subscription: string | null = SUBSCRIPTION): string =>
  JSON.stringify({
    message: {
      data: Buffer.from(JSON.stringify(data)).toString("base64"),
      messageId: "1",
      attributes: { "content-type": "application/cloudevents+json" },
    },
    ...(subscription === null ? {} : { subscription }),
  });

describe("the door of the topic's events", () => {
  test("takes an event that its subscription pushes, once, as everybody who may publish there", async () => {
    const { push, recorded, deadLetters } = await door();
    expect(await push(body())).toBe(204);
    expect(await push(body())).toBe(204);
    const facts = await recorded();
    expect(facts.map(({ type, actor }) => [type, actor])).toEqual([
      ["model-version.created", "topics/events"],
    ]);
    expect((await deadLetters.list(1)).total).toBe(0);
  });

  test.each<[string, number, Said]>([
    [
      "of another account, such as another subscription's",
      403,
      { claims: { email: "to-registry@acme.iam.gserviceaccount.com" } },
    ],
    ["whose address is not verified", 403, { claims: { email_verified: false } }],
    ["for the URL instead of the audience of pushes", 401, { claims: { aud: "https://api.example.com" } }],
    ["for a list of audiences", 401, { claims: { aud: [AUDIENCE, "other"] } }],
    ["of another issuer", 401, { claims: { iss: "https://accounts.example.com" } }],
    ["that has ended", 401, { claims: { iat: 1_000, exp: 1_600 } }],
    ["that lives for a year", 401, { claims: { exp: 4_000_000_000 } }],
    ["that is signed by somebody else", 401, { key: foreign }],
  ])("refuses a token %s, and reads nothing", async (_what, status, said) => {
    const { push, recorded, deadLetters } = await door();
    expect(await push(body(), said)).toBe(status);
    expect([await recorded(), (await deadLetters.list(1)).total]).toEqual([[], 0]);
  });

  test("refuses a push of another subscription, or of none, although its token is good", async () => {
    const { push, recorded, deadLetters } = await door();
    expect(await push(body(event(), "projects/acme/subscriptions/signalbox-prod-facts-registry"))).toBe(403);
    expect(await push(body(event(), null))).toBe(403);
    expect(await push("no JSON")).toBe(403);
    expect([await recorded(), (await deadLetters.list(1)).total]).toEqual([[], 0]);
  });

  test("refuses who brings no token, another kind of one, or too much", async () => {
    const { send, push, recorded } = await door();
    expect((await send(body(), {})).status).toBe(401);
    expect((await send(body(), { authorization: "Basic eDp5" })).status).toBe(401);
    const huge = body(event({ data: { ...DATA, model: "m".repeat(EVENT_PUSH_BYTES_MAX) } }));
    expect(await push(huge)).toBe(413);
    expect(await recorded()).toEqual([]);
  });

  test("keeps what is not of the allow-list as a dead letter, as an inner fact or what is no event", async () => {
    const { push, recorded, deadLetters } = await door();
    for (const data of [event({ type: "dev.signalbox.plan.approved.v1" }), event({ id: "" }), "text"])
      expect(await push(body(data))).toBe(204);
    const { letters, total } = await deadLetters.list(5);
    expect([total, new Set(letters.map(({ service }) => service))]).toEqual([3, new Set(["events"])]);
    expect(letters.map(({ reason }) => reason)).toContain("EVENT_TYPE_NOT_ALLOWED");
    expect(await recorded()).toEqual([]);
  });

  test("asks for the event again while the issuer's keys or the ledger are away", async () => {
    const { issuer, push, db, clock } = await door();
    issuer.answerWith({ status: 503 });
    expect(await push(body())).toBe(503);
    issuer.answerWith({});
    await clock.advance(60_000);
    db.close();
    expect(await push(body())).toBe(503);
  });
});
