// Pushes that Pub/Sub did not send for this door: everything that a signed token can lie about, at a served endpoint.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CompactSign, exportSPKI, importJWK, type CryptoKey } from "jose";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createPushTokenGuard, googleKeys } from "../../shared/adapters/google/push-token.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { onFacts, serveFunction } from "../../shared/runtime/on-facts.ts";
import { createVirtualClock } from "../support/clock.ts";
import { factFrom, planStarted } from "../support/facts.ts";
import { makeKey, type Said, startIssuer } from "../support/google/oidc-issuer-fake.ts";
import { createWorld } from "../support/world.ts";

const AUDIENCE = "https://signalbox.example.com/push";
const SENDER = "push-registry@acme.iam.gserviceaccount.com";
const SUBSCRIPTION = "projects/acme/subscriptions/facts-registry";
const BODY = pushBody(factFrom(planStarted("b")), SUBSCRIPTION);

/** Making one takes longer than a test. */
const first = await makeKey("first");

async function open(checkedInFront = false) {
  const clock = createVirtualClock(new Date().toISOString());
  const now = (): number => Math.floor(clock.now().getTime() / 1_000);
  const issuer = await startIssuer({
    first,
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: AUDIENCE,
      sub: "113774264463038321964",
      azp: "113774264463038321964",
      email: SENDER,
      email_verified: true,
      iat: now(),
      exp: now() + 3_600,
    }),
  });
  const world = createWorld({});
  const handled: string[] = [];
  onFacts(
    { name: "attacked", inputs: ["plan.started"], handle: async ({ id }) => void handled.push(id) },
    world,
    { subscription: SUBSCRIPTION },
  );
  const keys = googleKeys(clock, issuer.keysUrl);
  const guard = createPushTokenGuard({
    audience: AUDIENCE,
    serviceAccounts: [SENDER],
    keys,
    clock,
    checkedInFront,
  });
  const server = serveFunction("attacked", guard).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await world.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const knock = async (authorization: string | undefined, body = BODY, more = {}): Promise<number> => {
    const headers = { "content-type": "application/json", ...(authorization && { authorization }), ...more };
    const response = await fetch(url, { method: "POST", headers, body });
    expect(await response.text()).toBe("");
    return response.status;
  };
  const present = async (said?: Said): Promise<number> => knock(`Bearer ${await issuer.sign(said)}`);
  return { ...world, clock, now, issuer, handled, knock, present, url };
}

let door: Awaited<ReturnType<typeof open>>;
let refusedIsHandled = false;
beforeEach(async () => {
  refusedIsHandled = false;
  door = await open();
});
afterEach(async () => {
  if (!refusedIsHandled) expect(door.handled).toEqual([]);
});

const seconds = (offset: number): number => door.now() + offset;
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("an honest push is handled, in both spellings of the issuer, with clocks half a minute apart", async () => {
  refusedIsHandled = true;
  expect(await door.present()).toBe(204);
  expect(await door.present({ claims: { iss: "accounts.google.com" } })).toBe(204);
  expect(await door.present({ claims: { iat: seconds(29), exp: seconds(3_629) } })).toBe(204);
  expect(await door.present({ claims: { iat: seconds(-3_629), exp: seconds(-29) } })).toBe(204);
  expect(door.handled.length).toBe(4);
  expect(door.issuer.asked()).toBe(1);
});

test("row 17: without a bearer token, with another kind, or with two headers is 401", async () => {
  const good = await door.issuer.sign();
  for (const header of [
    undefined,
    "",
    "Basic YWRtaW46YWRtaW4=",
    "Bearer",
    "Bearer ",
    good,
    `Bearer  ${good} x`,
  ])
    expect(await door.knock(header), header).toBe(401);
  const { port } = new URL(door.url);
  const { request } = await import("node:http");
  const asked = request({ port, host: "127.0.0.1", method: "POST" });
  asked.setHeader("content-length", BODY.length);
  asked.setHeader("authorization", [`Bearer ${good}`, `Bearer ${good}`]);
  asked.end(BODY);
  const [response] = (await once(asked, "response")) as [{ statusCode?: number; resume(): void }];
  response.resume();
  expect(response.statusCode).toBe(401);
});

test.each<[string, () => Said]>([
  ["row 18: for an audience that ours begins", () => ({ claims: { aud: AUDIENCE.slice(0, -1) } })],
  ["row 18: for an audience that begins like ours", () => ({ claims: { aud: `${AUDIENCE}er` } })],
  ["row 18: for our audience with a slash", () => ({ claims: { aud: `${AUDIENCE}/` } })],
  ["row 18: for our audience in upper case", () => ({ claims: { aud: AUDIENCE.toUpperCase() } })],
  ["row 18: for several audiences, ours among them", () => ({ claims: { aud: [AUDIENCE, "other"] } })],
  ["row 18: for a list of our audience alone", () => ({ claims: { aud: [AUDIENCE] } })],
  ["row 18: for no audience", () => ({ without: ["aud"] })],
  ["row 19: of another issuer", () => ({ claims: { iss: "https://token.actions.githubusercontent.com" } })],
  [
    "row 19: of an issuer that looks like Google's",
    () => ({ claims: { iss: "https://accounts.google.com.evil.example" } }),
  ],
  ["row 19: of Google's with a slash", () => ({ claims: { iss: "https://accounts.google.com/" } })],
  ["row 19: of Google's without encryption", () => ({ claims: { iss: "http://accounts.google.com" } })],
  ["row 19: of no issuer", () => ({ without: ["iss"] })],
  ["row 20: that ended an hour ago", () => ({ claims: { iat: seconds(-7_200), exp: seconds(-3_600) } })],
  ["row 20: that ended 200 seconds ago", () => ({ claims: { iat: seconds(-3_000), exp: seconds(-200) } })],
  [
    "row 20: that ended a second beyond the skew",
    () => ({ claims: { iat: seconds(-600), exp: seconds(-31) } }),
  ],
  ["row 20: from an hour ahead", () => ({ claims: { iat: seconds(3_600), exp: seconds(7_200) } })],
  ["row 20: from a second beyond the skew", () => ({ claims: { iat: seconds(32), exp: seconds(3_600) } })],
  [
    "row 20: from an hour ahead, though it is valid already",
    () => ({ claims: { iat: seconds(3_600), nbf: seconds(-60), exp: seconds(7_200) } }),
  ],
  ["row 20: that is not valid yet", () => ({ claims: { nbf: seconds(60) } })],
  ["row 20: that lives ten years", () => ({ claims: { exp: seconds(315_360_000) } })],
  ["row 20: that was made two hours ago", () => ({ claims: { iat: seconds(-7_200), exp: seconds(60) } })],
  ["row 20: that ends before it begins", () => ({ claims: { iat: seconds(10), exp: seconds(5) } })],
  ["row 20: without an end", () => ({ without: ["exp"] })],
  ["row 20: without a beginning", () => ({ without: ["iat"] })],
  ["row 20: whose times are text", () => ({ claims: { exp: String(seconds(60)) as unknown as number } })],
  ["row 20: whose times are broken numbers", () => ({ claims: { iat: seconds(0) + 0.5 } })],
  ["row 20: whose end is beyond every number", () => ({ claims: { exp: 2 ** 60 } })],
  ["row 23: that brings its key along", () => ({ header: { jwk: { kty: "RSA" } } })],
  ["row 27: of the type of access tokens", () => ({ header: { typ: "at+jwt" } })],
  ["row 27: that names no key", () => ({ header: { kid: undefined } })],
  ["row 27: whose key has a name of 201 characters", () => ({ header: { kid: "k".repeat(201) } })],
  ["row 26: of nobody", () => ({ without: ["sub"] })],
])("%s is 401", async (_row, said) => {
  expect(await door.present(said())).toBe(401);
});

test.each<[string, Said]>([
  ["row 24: of another service account", { claims: { email: "push-rollout@acme.iam.gserviceaccount.com" } }],
  ["row 24: of ours in upper case", { claims: { email: SENDER.toUpperCase() } }],
  ["row 24: of ours with a tail", { claims: { email: `${SENDER}.evil.example` } }],
  ["row 24: whose address is not verified", { claims: { email_verified: false } }],
  ['row 24: whose address is verified by the text "true"', { claims: { email_verified: "true" } }],
  ["row 24: whose address is verified by 1", { claims: { email_verified: 1 } }],
  ["row 24: that does not say whether it is verified", { without: ["email_verified"] }],
  ["row 24: without an address", { without: ["email"] }],
  ["row 26: of a person", { claims: { email: "ada@example.com", hd: "example.com" } }],
])("%s is 403", async (_row, said) => {
  expect(await door.present(said)).toBe(403);
});

describe("a token", () => {
  test("row 21: without a signature, or signed with what everybody knows, is 401", async () => {
    const [, claims = "", signature = ""] = (await door.issuer.sign()).split(".");
    const { kid, publicJwk } = door.issuer.key();
    for (const alg of ["none", "None", "NONE", "", "rs256", "RS384", "ES256", "PS256"])
      for (const end of ["", signature])
        expect(await door.knock(`Bearer ${base64({ alg, typ: "JWT", kid })}.${claims}.${end}`)).toBe(401);
    const spki = await exportSPKI((await importJWK(publicJwk, "RS256")) as CryptoKey);
    for (const secret of [spki, JSON.stringify(publicJwk), ""]) {
      const signed = `${base64({ alg: "HS256", typ: "JWT", kid })}.${claims}`;
      const mac = createHmac("sha256", secret).update(signed).digest("base64url");
      expect(await door.knock(`Bearer ${signed}.${mac}`)).toBe(401);
    }
  });

  test("row 22: of an unknown key a thousand times asks for keys at most once a minute", async () => {
    const key = await makeKey("unknown");
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, index) => door.issuer.sign({ key: { ...key, kid: `k${index}` } })),
    );
    for (let round = 0; round < 20; round++)
      for (const token of tokens) expect(await door.knock(`Bearer ${token}`)).toBe(401);
    expect(door.issuer.asked()).toBe(1);
    await door.clock.advance(60_000);
    await Promise.all(tokens.map((token) => door.knock(`Bearer ${token}`)));
    expect(door.issuer.asked()).toBe(2);
  });

  test("row 22: of a stranger under the name of a known key is 401", async () => {
    expect(await door.present({ key: { ...(await makeKey("x")), kid: "first" } })).toBe(401);
  });

  test("row 23: that says where its key is makes nobody fetch it", async () => {
    let asked = 0;
    const trap = createServer((_, response) => {
      asked += 1;
      response.end("{}");
    }).listen(0, "127.0.0.1");
    await once(trap, "listening");
    onTestFinished(() => void trap.close());
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
    for (const header of [{ jku: url }, { x5u: url }, { x5c: [url] }, { jku: url, kid: "other" }])
      expect(await door.present({ header })).toBe(401);
    expect([asked, door.issuer.asked()]).toEqual([0, 0]);
  });

  test("row 27: that is cut, longer, spelt differently, of four parts, with `crit`, doubled keys, or of 100 KB is refused", async () => {
    const good = await door.issuer.sign();
    const [header = "", payload = "", signature = ""] = good.split(".");
    const doubled = Buffer.from(`{"alg":"RS256","alg":"none","kid":"first"}`).toString("base64url");
    const proto = Buffer.from(`{"alg":"RS256","kid":"first","__proto__":{}}`).toString("base64url");
    // The last character of 256 bytes in base64url holds four bits that mean nothing.
    const respelt = `${signature.slice(0, -1)}${signature.at(-1) === "A" ? "B" : String.fromCodePoint((signature.codePointAt(signature.length - 1) ?? 0) + 1)}`;
    for (const bad of [
      `${good}AA`,
      `${good}.x`,
      `${good}=`,
      `${header}.${payload}.`,
      `${header}.${payload}.AA`,
      `${header}.${payload}.${respelt}`,
      `${doubled}.${payload}.${signature}`,
      `${proto}.${payload}.${signature}`,
      `${base64({ alg: "RS256", kid: "first", crit: ["exp"] })}.${payload}.${signature}`,
      `${base64(["RS256"])}.${payload}.${signature}`,
      `${header}.${base64("claims")}.${signature}`,
      "..",
      "a.b.c",
      "a".repeat(5_000),
    ])
      expect(await door.knock(`Bearer ${bad}`), bad.slice(-80)).toBe(401);
    expect(await door.knock(`Bearer ${"a".repeat(100_000)}`).catch(() => 431)).toBe(431);
  });

  test("row 27: that is no UTF-8, though its issuer signed it, is 401", async () => {
    const { kid, privateKey } = door.issuer.key();
    const [header = "", payload = ""] = (await door.issuer.sign()).split(".");
    const spoil = (text: string): Buffer => {
      const bytes = Buffer.from(text);
      bytes[bytes.lastIndexOf('"') - 1] = 0xff;
      return bytes;
    };
    const claims = Buffer.from(payload, "base64url").toString();
    const sign = (bytes: Uint8Array): Promise<string> =>
      new CompactSign(bytes).setProtectedHeader({ alg: "RS256", typ: "JWT", kid }).sign(privateKey);
    // The same way of signing, with the claims as they are, is a good token: only the bytes differ.
    refusedIsHandled = true;
    expect(await door.knock(`Bearer ${await sign(Buffer.from(claims))}`)).toBe(204);
    expect(await door.knock(`Bearer ${await sign(spoil(claims))}`)).toBe(401);
    const spoiled = spoil(Buffer.from(header, "base64url").toString()).toString("base64url");
    expect(await door.knock(`Bearer ${spoiled}.${payload}.AA`)).toBe(401);
    expect(door.handled.length).toBe(1);
  });

  test("row 25: of the right sender, with a push of another subscription, is 403", async () => {
    const fact = factFrom(planStarted("b"));
    const good = `Bearer ${await door.issuer.sign()}`;
    const { subscription: _, ...nameless } = JSON.parse(BODY) as Record<string, unknown>;
    for (const body of [
      pushBody(fact, "projects/acme/subscriptions/facts-rollout"),
      pushBody(fact, `${SUBSCRIPTION}-2`),
      pushBody(fact, SUBSCRIPTION.replace("projects/acme/", "projects/another/")),
      JSON.stringify(nameless),
      JSON.stringify({ ...nameless, subscription: [SUBSCRIPTION] }),
      "no JSON",
    ])
      expect(await door.knock(good, body)).toBe(403);
    expect((await door.deadLetters.list(1)).total).toBe(0);
  });
});

describe("while the issuer does not answer", () => {
  test("row 28: a known key is still good, and an unknown one is asked for again, never let in", async () => {
    refusedIsHandled = true;
    expect(await door.present()).toBe(204);
    for (const down of [
      { status: 503 },
      { status: 429 },
      { body: Buffer.from('{"keys":[{"kid":"\u00ff"}]}', "latin1") },
      { body: "<html>" },
      { body: '{"keys":[]}' },
      { body: " ".repeat(300_000) },
    ]) {
      door.issuer.answerWith(down);
      await door.clock.advance(3_700_000);
      expect(await door.present(), JSON.stringify(down).slice(0, 40)).toBe(204);
      expect(await door.present({ header: { kid: "other" } })).toBe(503);
    }
    await door.clock.advance(24 * 3_600_000);
    expect(await door.present()).toBe(503);
    door.issuer.answerWith({});
    await door.clock.advance(60_000);
    expect(await door.present()).toBe(204);
  });

  test("row 28: before any key was seen it is 503", async () => {
    door.issuer.answerWith({ status: 500 });
    expect(await door.present()).toBe(503);
  });

  test("row 28: an issuer that never answers is given five seconds", async () => {
    door.issuer.answerWith({ never: true });
    const knocked = door.present();
    const { until } = await import("../support/until.ts");
    await until("the keys to be asked for", () => (door.issuer.asked() === 1 ? true : undefined));
    await door.clock.advance(5_000);
    expect(await knocked).toBe(503);
  });
});

test("keys that rotate are found, and one that is withdrawn is good no longer than it was promised", async () => {
  refusedIsHandled = true;
  const old = await door.issuer.sign();
  expect(await door.knock(`Bearer ${old}`)).toBe(204);
  await door.issuer.rotate("second", false);
  await door.clock.advance(60_000);
  expect(await door.present()).toBe(204);
  expect(await door.knock(`Bearer ${old}`)).toBe(401);
});

describe("a token whose signature Cloud Run has taken away", () => {
  const removed = async (said?: Said): Promise<string> =>
    `Bearer ${(await door.issuer.sign(said)).replace(/[^.]+$/, "SIGNATURE_REMOVED_BY_GOOGLE")}`;

  test("is refused where Cloud Run asks IAM nothing", async () => {
    expect(await door.knock(await removed())).toBe(401);
  });

  describe("where Cloud Run asks IAM about every caller", () => {
    beforeEach(async () => {
      door = await open(true);
    });

    test("is taken, and no key is asked for; a whole token is still verified", async () => {
      refusedIsHandled = true;
      expect(await door.knock(await removed())).toBe(204);
      expect(door.issuer.asked()).toBe(0);
      expect(await door.present()).toBe(204);
      expect(door.issuer.asked()).toBe(1);
      expect(await door.present({ key: await makeKey("first") })).toBe(401);
    });

    test("is refused beside the header that Cloud Run looks at instead, whatever that says", async () => {
      for (const other of ["", "Bearer x", `Bearer ${await door.issuer.sign()}`])
        expect(await door.knock(await removed(), BODY, { "X-Serverless-Authorization": other })).toBe(401);
    });

    test.each<[string, number, () => Said]>([
      ["for another audience", 401, () => ({ claims: { aud: "other" } })],
      ["of another issuer", 401, () => ({ claims: { iss: "https://evil.example.com" } })],
      ["that has ended", 401, () => ({ claims: { iat: seconds(-7_200), exp: seconds(-3_600) } })],
      ["of another account", 403, () => ({ claims: { email: "else@acme.iam.gserviceaccount.com" } })],
      ["of an address that nobody verified", 403, () => ({ claims: { email_verified: false } })],
      ["of another algorithm", 401, () => ({ header: { kid: "first", crit: ["b64"], b64: true } })],
    ])("is refused %s with %i", async (_what, status, said) => {
      expect(await door.knock(await removed(said()))).toBe(status);
    });

    test.each(["none", "HS256", "ES256", "rs256", ""])("is refused of the algorithm %j", async (alg) => {
      const [, payload = ""] = (await door.issuer.sign()).split(".");
      const header = base64({ alg, typ: "JWT", kid: door.issuer.key().kid });
      expect(await door.knock(`Bearer ${header}.${payload}.SIGNATURE_REMOVED_BY_GOOGLE`)).toBe(401);
    });

    test("is refused with anything else in the place of the signature", async () => {
      const [head, payload] = (await door.issuer.sign()).split(".");
      for (const end of [
        "",
        ".",
        ".SIGNATURE_REMOVED_BY_GOOGLF",
        ".signature_removed_by_google",
        ".x.SIGNATURE_REMOVED_BY_GOOGLE",
      ])
        expect(await door.knock(`Bearer ${head}.${payload}${end}`), end).toBe(401);
    });
  });
});
