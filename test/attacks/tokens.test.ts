// Tokens that were not made for this door. The engine's tokens are JSON Web Tokens; everything that such a token can lie about is tried.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type CryptoKey,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WORKFLOW_API } from "../../scripts/compose/open-workflows.ts";
import { attacked, expectUnharmed, type RawHeaders, VICTIM } from "./attacked.ts";

const door = attacked();
const { at, as, send } = door;

/** A route that only workflow executions may call: who gets past the gate is told that there is no such rollout. */
const INSIDE = `/v1/${VICTIM}/rollouts/r1:look`;
const PAST_THE_GATE = 404;
const JSON_TYPE = ["content-type", "application/json"] as const;

const now = (): number => Math.floor(Date.now() / 1_000);
const honest = (): JWTPayload => ({
  iss: "https://signalbox.local",
  aud: WORKFLOW_API,
  sub: "services/workflows",
  iat: now(),
  exp: now() + 300,
});

interface Forged {
  readonly claims?: JWTPayload;
  readonly without?: readonly string[];
  readonly header?: Partial<JWTHeaderParameters>;
  readonly key?: CryptoKey;
}

async function token({ claims = {}, without = [], header = {}, key }: Forged = {}): Promise<string> {
  const own = (await importJWK(JSON.parse(at().keys.issuerKey), "ES256")) as CryptoKey;
  const payload = Object.fromEntries(
    Object.entries({ ...honest(), ...claims }).filter(([name]) => !without.includes(name)),
  );
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", typ: "JWT", ...header }).sign(key ?? own);
}

const present = async (credential: string, path = INSIDE): Promise<number> =>
  (await send("POST", path, [["authorization", `Bearer ${credential}`], JSON_TYPE], '{"execution":"e1"}'))
    .status;

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
let stranger: CryptoKey;
let asked = 0;
const trap = createServer((_, response) => {
  asked += 1;
  response.end("{}");
});
beforeAll(async () => {
  stranger = (await generateKeyPair("ES256")).privateKey;
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
});
afterAll(() => trap.close());
const trapUrl = (): string => `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;

test("an honest token of the engine passes the gate, and only where executions may", async () => {
  expect(await present(await token())).toBe(PAST_THE_GATE);
  expect(await present(await token(), `/v1/${VICTIM}:rollback`)).toBe(403);
  expect(await present(await token(), `/v1/${VICTIM}:resume`)).toBe(403);
});

describe("a credential", () => {
  test.each<[string, () => RawHeaders]>([
    ["row 17: that is missing", () => []],
    ["row 17: of the kind Basic", () => [["authorization", "Basic YWRtaW46YWRtaW4="]]],
    ["row 17: given twice", () => [as("admin"), as("admin")]],
    ["row 17: given twice, one wrong", () => [as("admin"), ["authorization", "Bearer x"]]],
    ["row 27: with something behind it", () => [["authorization", `${as("admin")[1]} x`]]],
    ["row 27: that is empty", () => [["authorization", "Bearer "]]],
    ["of a person, cut by one", () => [["authorization", as("admin")[1].slice(0, -1)]]],
    [
      "of a person, in the other case",
      () => [["authorization", `Bearer ${as("admin")[1].slice(7).toUpperCase()}`]],
    ],
  ])("%s is 401", async (_row, headers) => {
    expect((await send("GET", "/v1/stacks", headers())).status).toBe(401);
  });

  test("in the address counts for nothing", async () => {
    const given = as("admin")[1].slice("Bearer ".length);
    for (const name of ["token", "access_token", "authorization", "key"])
      expect((await send("GET", `/v1/stacks?${name}=${given}`)).status).toBe(401);
    expect(at().log()).not.toContain(given);
  });

  test("rows 24 and 26: of a person is 403 where only executions may, and the other way round", async () => {
    for (const person of ["ada", "grace", "admin"] as const)
      expect(await present(as(person)[1].slice("Bearer ".length))).toBe(403);
    const headers = [["authorization", `Bearer ${await token()}`], JSON_TYPE] as const;
    expect((await send("POST", "/v1/stacks/site:unblock", headers, '{"reason":"x"}')).status).toBe(403);
  });
});

describe("a token", () => {
  test.each<[string, () => Forged]>([
    [
      "row 18: for an audience that only begins like ours",
      () => ({ claims: { aud: `${WORKFLOW_API}.evil.example` } }),
    ],
    ["row 18: for our audience with a slash", () => ({ claims: { aud: `${WORKFLOW_API}/` } })],
    ["row 18: for our audience in upper case", () => ({ claims: { aud: WORKFLOW_API.toUpperCase() } })],
    ["row 18: for several audiences, ours among them", () => ({ claims: { aud: [WORKFLOW_API, "other"] } })],
    ["row 18: for no audience", () => ({ without: ["aud"] })],
    ["row 19: of another issuer", () => ({ claims: { iss: "https://accounts.google.com" } })],
    ["row 19: of one that looks like ours", () => ({ claims: { iss: "https://signalbox.local." } })],
    ["row 20: that has ended", () => ({ claims: { iat: now() - 400, exp: now() - 30 } })],
    ["row 20: from the future", () => ({ claims: { iat: now() + 3_600, exp: now() + 3_900 } })],
    ["row 20: that is not valid yet", () => ({ claims: { nbf: now() + 3_600 } })],
    [
      "row 20: that was made long ago for ten years",
      () => ({ claims: { iat: now() - 4_000, exp: now() + 3e8 } }),
    ],
    ["row 20: without an end", () => ({ without: ["exp"] })],
    ["row 20: without a beginning", () => ({ without: ["iat"] })],
    ["row 22: of an unknown key", () => ({ key: stranger, header: { kid: "unknown" } })],
    ["row 23: that brings its key along", () => ({ key: stranger, header: { jwk: { kty: "EC" } } })],
    [
      "row 23: that says where its key is",
      () => ({ key: stranger, header: { jku: trapUrl(), x5u: trapUrl() } }),
    ],
    ["row 24: of another service", () => ({ claims: { sub: "services/provisioner" } })],
    ["row 24: of nobody", () => ({ without: ["sub"] })],
    ["row 27: of another type", () => ({ header: { typ: "at+jwt" } })],
  ])("%s is 401", async (_row, forged) => {
    expect(await present(await token(forged()))).toBe(401);
  });

  test("row 23: makes nobody fetch a key", () => {
    expect(asked).toBe(0);
  });

  test("row 21: without a signature, or signed with what everybody knows, is 401", async () => {
    const claims = base64(honest());
    const { d: _, ...open } = JSON.parse(at().keys.issuerKey) as Record<string, string>;
    const publicKey = await exportSPKI((await importJWK(open, "ES256")) as CryptoKey);
    for (const alg of ["none", "None", "NONE", ""])
      for (const end of ["", "."])
        expect(await present(`${base64({ alg, typ: "JWT" })}.${claims}.${end}`)).toBe(401);
    for (const secret of [publicKey, JSON.stringify(open), ""]) {
      const signed = `${base64({ alg: "HS256", typ: "JWT" })}.${claims}`;
      expect(
        await present(`${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`),
      ).toBe(401);
    }
    const [, payload = "", signature = ""] = (await token()).split(".");
    for (const alg of ["es256", "ES384", "RS256"])
      expect(await present(`${base64({ alg, typ: "JWT" })}.${payload}.${signature}`)).toBe(401);
  });

  test("row 27: that is cut, longer, of four parts, with `crit`, or of 100 KB is refused", async () => {
    const good = await token();
    const [header = "", payload = "", signature = ""] = good.split(".");
    for (const bad of [
      `${good}AA`,
      `${good}.x`,
      `${good}=`,
      `${header}.${payload}.`,
      `${header}.${payload}.AA`,
      "..",
      "a.b.c",
    ])
      expect(await present(bad)).toBe(401);
    expect(
      await present(`${base64({ alg: "ES256", typ: "JWT", crit: ["x"], x: 1 })}.${payload}.${signature}`),
    ).toBe(401);
    expect(await present("a".repeat(100_000)).catch(() => 431)).toBe(431);
    await expectUnharmed(door);
  });

  test("is worth nothing for another execution's rollout", async () => {
    const answer = await send(
      "POST",
      `/v1/${VICTIM}/rollouts/r1:finish`,
      [["authorization", `Bearer ${await token()}`], JSON_TYPE],
      '{"execution":"somebody-elses"}',
    );
    expect([400, 404, 409]).toContain(answer.status);
    expect(await door.facts()).toBe(0);
  });
});
