// Signing in to the page and out of it, as a browser does, and as a page of somebody else would like to.
import { expect, onTestFinished, test } from "vitest";
import { createConsole } from "../../services/console/console.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";
import { createWorld } from "../support/world.ts";
import { testIdentity } from "./door.ts";

async function door() {
  const world = createWorld({});
  const traffic = { list: async () => [], read: async () => undefined };
  const sessions = createSessions(createMemoryGrants(), world.clock);
  const app = createServer({ clock: world.clock, log: world.log, identity: testIdentity(), sessions });
  await app.register(createConsole({ ...world, traffic, sessions }));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  const { code } = await sessions.issueCode("vera");
  const opened = await app.inject({ url: `/session?code=${code}` });
  const cookie = String(opened.headers["set-cookie"]).split(";")[0] ?? "";
  const show = () => app.inject({ url: "/", headers: { cookie } });
  const signOut = (headers: Readonly<Record<string, string>>) =>
    app.inject({
      method: "POST",
      url: "/session/end",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded", ...headers },
      payload: "",
    });
  return { app, sessions, cookie, show, signOut };
}

test("signing out ends the session for good and takes the cookie away", async () => {
  const { show, signOut } = await door();
  expect((await show()).body).toContain('<form method="post" action="/session/end">');
  const out = await signOut({ "sec-fetch-site": "same-origin" });
  expect([out.statusCode, out.body.includes("You are signed out")]).toEqual([200, true]);
  expect(String(out.headers["set-cookie"])).toMatch(/=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/);
  // Whoever has kept the cookie has nothing any more.
  expect((await show()).statusCode).toBe(401);
  expect((await signOut({ "sec-fetch-site": "same-origin" })).statusCode).toBe(200);
});

test("an older browser's form is known by its origin", async () => {
  const { show, signOut } = await door();
  expect((await signOut({ origin: "http://localhost:80" })).statusCode).toBe(200);
  expect((await show()).statusCode).toBe(401);
});

test.each([
  ["another site", { "sec-fetch-site": "cross-site" }],
  ["another port of this machine", { "sec-fetch-site": "same-site" }],
  ["another origin", { origin: "https://evil.example" }],
  ["nowhere that can be told", {}],
])("a page of somebody else signs nobody out: %s", async (_, headers) => {
  const { show, signOut } = await door();
  const refused = await signOut(headers);
  expect([refused.statusCode, refused.headers["set-cookie"]]).toEqual([403, undefined]);
  expect((await show()).statusCode).toBe(200);
});

test("a page of somebody else cannot sign its visitor in, and the code it used is not spent", async () => {
  const { app, sessions } = await door();
  const { code } = await sessions.issueCode("vera");
  const url = `/session?code=${code}`;
  const refused = await app.inject({ url, headers: { "sec-fetch-site": "cross-site", accept: "text/html" } });
  expect([refused.statusCode, refused.headers["set-cookie"]]).toEqual([403, undefined]);
  expect((await app.inject({ url, headers: { "sec-fetch-site": "none" } })).statusCode).toBe(303);
});
