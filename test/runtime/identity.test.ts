// Who is let in, and by what.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { afterEach, expect, test } from "vitest";
import { PERSON_ROLES, type Role, roleAllows } from "../../shared/domain/role.ts";
import { createIdentity, hashToken } from "../../shared/runtime/identity.ts";
import {
  createPrincipalsReader,
  formatPrincipals,
  parsePrincipals,
} from "../../shared/runtime/principals-file.ts";
import { createServer, type Server } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import {
  createIssuer,
  makeIssuerKey,
  WORKFLOW_TOKEN_LIFETIME_SECONDS,
  WORKFLOWS_PRINCIPAL,
} from "../../shared/runtime/tokens.ts";
import {
  as,
  ENTRIES,
  listen,
  PEOPLE,
  rawExchange,
  rememberingLog,
  testIdentity,
  WORKFLOW_TOKEN,
} from "../services/door.ts";
import { createVirtualClock } from "../support/clock.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const grants = createMemoryGrants();

test("each role includes those before it, and nobody's includes the workflows'", () => {
  const allowed = (has: Role): readonly Role[] =>
    [...PERSON_ROLES, "workflow" as const].filter((needed) => roleAllows(has, needed));
  expect(allowed("viewer")).toEqual(["viewer"]);
  expect(allowed("operator")).toEqual(["viewer", "engineer", "operator"]);
  expect(allowed("admin")).toEqual(["viewer", "engineer", "operator", "admin"]);
  expect(allowed("workflow")).toEqual(["workflow"]);
});

test("a token is its owner's, and any other text is nobody's", async () => {
  const identity = testIdentity();
  const token = as("engineer").authorization.slice("Bearer ".length);
  expect(await identity.authenticate(token)).toEqual(PEOPLE.engineer);
  for (const wrong of ["", token.slice(1), `${token} `, token.toUpperCase(), hashToken(token), "a.b.c"]) {
    expect(await identity.authenticate(wrong), wrong).toBeUndefined();
  }
  expect(await identity.authenticate(WORKFLOW_TOKEN)).toMatchObject({ role: "workflow" });
});

test("a change of principals.json counts at once, and a broken file lets nobody in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "principals-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, "principals.json");
  const identity = createIdentity({
    readPrincipals: createPrincipalsReader(path),
    verifyWorkflowToken: async () => undefined,
  });
  const token = as("viewer").authorization.slice("Bearer ".length);
  await expect(identity.authenticate(token)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    reason: "PRINCIPALS_UNREADABLE",
  });
  await writeFile(path, formatPrincipals(ENTRIES));
  expect(await identity.authenticate(token)).toMatchObject({ role: "viewer" });
  await writeFile(path, formatPrincipals(ENTRIES.map((entry) => ({ ...entry, role: "engineer" as const }))));
  expect(await identity.authenticate(token)).toMatchObject({ role: "engineer" });
  await writeFile(path, "{");
  await expect(identity.authenticate(token)).rejects.toMatchObject({ reason: "PRINCIPALS_UNREADABLE" });
  await writeFile(path, formatPrincipals([]));
  expect(await identity.authenticate(token)).toBeUndefined();
});

test("principals.json may give nobody the role of workflows, nor two people one name or token", () => {
  const [entry] = ENTRIES;
  const file = (...principals: readonly unknown[]): string => JSON.stringify({ principals });
  expect(() => parsePrincipals(file({ ...entry, role: "workflow" }))).toThrow(
    /principals\[0\]\.role is none of the allowed values/,
  );
  expect(() => parsePrincipals(file(entry, entry))).toThrow(/principals\[1\]\.principal is there twice/);
  expect(() => parsePrincipals(file(entry, { ...entry, principal: "other" }))).toThrow(
    /principals\[1\]\.tokenHash is there twice/,
  );
  expect(() => parsePrincipals(file({ ...entry, admin: true }))).toThrow(
    /principals\[0\]\.admin is not a field/,
  );
});

test("a workflow's token is good for one audience and some minutes, and only as it was signed", async () => {
  const clock = createVirtualClock();
  const privateKeyJwk = await makeIssuerKey();
  const issuer = createIssuer({ privateKeyJwk, issuer: "https://issuer.test", clock });
  const audience = "http://127.0.0.1:7420";
  const token = await issuer.mint(audience);
  expect(await issuer.verify(token, audience)).toBe(WORKFLOWS_PRINCIPAL);
  for (const other of [`${audience}/`, "http://127.0.0.1:742", audience.toUpperCase()]) {
    expect(await issuer.verify(token, other), other).toBeUndefined();
  }
  const [header = "", payload = "", signature = ""] = token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  const forged = [
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${header}.${payload}.${signature}.x`,
    `${header}.${payload}`,
    `${token}A`,
    "x".repeat(100_000),
  ];
  for (const each of forged) expect(await issuer.verify(each, audience), each.slice(0, 40)).toBeUndefined();
  const stranger = createIssuer({
    privateKeyJwk: await makeIssuerKey(),
    issuer: "https://issuer.test",
    clock,
  });
  expect(await issuer.verify(await stranger.mint(audience), audience)).toBeUndefined();
  const lookAlike = createIssuer({ privateKeyJwk, issuer: "https://issuer.test.evil", clock });
  expect(await issuer.verify(await lookAlike.mint(audience), audience)).toBeUndefined();
  await clock.advance((WORKFLOW_TOKEN_LIFETIME_SECONDS + 6) * 1_000);
  expect(await issuer.verify(token, audience)).toBeUndefined();
});

test("an issuer is not opened with a key that it cannot sign with", async () => {
  const { privateKey } = await generateKeyPair("ES384", { extractable: true });
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const { d: _, ...publicKeyJwk } = await makeIssuerKey();
  for (const privateKeyJwk of [await exportJWK(privateKey), await exportJWK(rsa.privateKey), publicKeyJwk])
    expect(() =>
      createIssuer({ privateKeyJwk, issuer: "https://issuer.test", clock: createVirtualClock() }),
    ).toThrow();
});

test("a workflow's token for several audiences, without an end, or from the future is refused", async () => {
  const clock = createVirtualClock();
  const privateKeyJwk = await makeIssuerKey();
  const issuer = createIssuer({ privateKeyJwk, issuer: "https://issuer.test", clock });
  const key = await importJWK(privateKeyJwk, "ES256");
  const now = clock.now().getTime() / 1_000;
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({
      iss: "https://issuer.test",
      sub: WORKFLOWS_PRINCIPAL,
      aud: "a",
      iat: now,
      exp: now + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: "ES256", typ: "JWT" })
      .sign(key);
  expect(await issuer.verify(await sign({}), "a")).toBe(WORKFLOWS_PRINCIPAL);
  for (const wrong of [
    { aud: ["a", "b"] },
    { exp: undefined },
    { iat: now + 60 },
    { iat: now - 3_600, exp: now + 3_600 },
    { sub: "someone" },
    { nbf: now + 60 },
  ]) {
    expect(await issuer.verify(await sign(wrong), "a"), JSON.stringify(wrong)).toBeUndefined();
  }
});

function guarded(): Server {
  const clock = createVirtualClock();
  const app = createServer({
    clock,
    log: rememberingLog(),
    identity: testIdentity(),
    sessions: createSessions(grants, clock),
  });
  cleanups.push(() => app.close());
  app.get("/read", { config: { role: "viewer" } }, async (request) => ({
    principal: request.caller.principal,
  }));
  app.post("/change", { config: { role: "viewer" } }, async () => ({}));
  return app;
}

test.each([
  ["no credential", {}],
  ["another scheme", { authorization: "Basic YTpi" }],
  ["no token", { authorization: "Bearer " }],
  ["an unknown token", { authorization: "Bearer sbx_nobody" }],
  ["a token with more behind it", { authorization: `${as("viewer").authorization} x` }],
  ["a made-up session", { cookie: "signalbox_session_80=abc.def" }],
])("%s is 401 and says what to send", async (_what, headers) => {
  const response = await guarded().inject({ url: "/read", headers });
  expect(response.statusCode).toBe(401);
  expect(response.headers["www-authenticate"]).toBe("Bearer");
  expect(response.json().error.status).toBe("UNAUTHENTICATED");
});

test("two Authorization headers are 401, though one is right", async () => {
  const port = await listen(guarded());
  const { text } = await rawExchange(
    port,
    `GET /read HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${as("viewer").authorization}\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n`,
  );
  expect(text).toMatch(/^HTTP\/1\.1 401 /);
});

test("the page's session reads as its principal and changes nothing", async () => {
  const app = guarded();
  const port = await listen(app);
  const sessions = createSessions(grants, createVirtualClock());
  const signIn = async (who: string) => (await sessions.redeem((await sessions.issueCode(who)).code)) ?? "";
  const session = await signIn("vera");
  const send = (method: string, path: string, cookie: string) =>
    rawExchange(
      port,
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: other=1; signalbox_session_${port}=${cookie}\r\nConnection: close\r\n\r\n`,
    );
  expect((await send("GET", "/read", session)).text).toMatch(/^HTTP\/1\.1 200 [^]*"vera"/);
  expect((await send("POST", "/change", session)).text).toMatch(/^HTTP\/1\.1 401 [^]*TOKEN_REQUIRED/);
  const gone = await signIn("someone-removed");
  expect((await send("GET", "/read", gone)).text).toMatch(/^HTTP\/1\.1 401 [^]*SESSION_ENDED/);
});
