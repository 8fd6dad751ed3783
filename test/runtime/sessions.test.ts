// Signing in to the page: a code that works once, then a session that ends.
import { expect, test } from "vitest";
import type { Grants } from "../../shared/ports/grants.ts";
import {
  createSessions,
  SESSION_LIFETIME_MS,
  SESSIONS_MAX,
  SESSIONS_PER_PERSON_MAX,
  SIGN_IN_CODE_LIFETIME_MS,
} from "../../shared/runtime/sessions.ts";
import { createVirtualClock } from "../support/clock.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";

function sessionsOf(grants: Grants = createMemoryGrants()) {
  const clock = createVirtualClock();
  return { grants, clock, sessions: createSessions(grants, clock) };
}

test("a sign-in code works once and for a minute; the session it opens lasts half a day", async () => {
  const { sessions, clock } = sessionsOf();
  const { code } = await sessions.issueCode("ada");
  const session = (await sessions.redeem(code)) ?? "";
  expect(await sessions.principal(session)).toBe("ada");
  expect(await sessions.redeem(code)).toBeUndefined();
  const late = (await sessions.issueCode("ada")).code;
  await clock.advance(SIGN_IN_CODE_LIFETIME_MS);
  expect(await sessions.redeem(late)).toBeUndefined();
  await clock.advance(SESSION_LIFETIME_MS - SIGN_IN_CODE_LIFETIME_MS);
  expect(await sessions.principal(session)).toBeUndefined();
});

test("a code is no session and a session is no code, and neither loses its use by being tried as the other", async () => {
  const { sessions } = sessionsOf();
  const { code } = await sessions.issueCode("ada");
  expect(await sessions.principal(code)).toBeUndefined();
  const session = (await sessions.redeem(code)) ?? "";
  expect(await sessions.redeem(session)).toBeUndefined();
  expect(await sessions.principal(session)).toBe("ada");
});

test("a code that was used stays used after a restart, and a session goes on", async () => {
  const { grants, clock, sessions } = sessionsOf();
  const { code } = await sessions.issueCode("ada");
  const session = (await sessions.redeem(code)) ?? "";
  const restarted = createSessions(grants, clock);
  expect(await restarted.redeem(code)).toBeUndefined();
  expect(await restarted.principal(session)).toBe("ada");
});

test("of two who redeem the same code at the same time one is let in", async () => {
  const { sessions } = sessionsOf();
  const { code } = await sessions.issueCode("ada");
  const opened = await Promise.all(Array.from({ length: 10 }, () => sessions.redeem(code)));
  expect(opened.filter((session) => session !== undefined)).toHaveLength(1);
});

test("a session that was ended is over in every process, and the others of the person live on", async () => {
  const { grants, clock, sessions } = sessionsOf();
  const [one, other] = await Promise.all(
    ["ada", "ada"].map(async (who) => (await sessions.redeem((await sessions.issueCode(who)).code)) ?? ""),
  );
  await sessions.end(one ?? "");
  await sessions.end("made up");
  const another = createSessions(grants, clock);
  expect(await another.principal(one ?? "")).toBeUndefined();
  expect(await another.principal(other ?? "")).toBe("ada");
});

test("a person has a bounded number of sessions, and the oldest gives way", async () => {
  const { grants, clock, sessions } = sessionsOf();
  const opened: string[] = [];
  for (let count = 0; count < SESSIONS_PER_PERSON_MAX + 3; count += 1) {
    opened.push((await sessions.redeem((await sessions.issueCode("ada")).code)) ?? "");
    await clock.advance(1_000);
  }
  expect((await grants.list()).length).toBeLessThanOrEqual(SESSIONS_PER_PERSON_MAX);
  expect(await sessions.principal(opened[0] ?? "")).toBeUndefined();
  expect(await sessions.principal(opened.at(-1) ?? "")).toBe("ada");
});

test("everyone together has a bounded number, and what has ended is cleared away", async () => {
  const { grants, clock, sessions } = sessionsOf();
  for (let person = 0; person < SESSIONS_MAX + 5; person += 1) await sessions.issueCode(`p${person}`);
  expect(await grants.list()).toHaveLength(SESSIONS_MAX);
  await clock.advance(SIGN_IN_CODE_LIFETIME_MS);
  await sessions.issueCode("ada");
  expect(await grants.list()).toHaveLength(1);
});

test("what is kept tells nobody a code or a session", async () => {
  const { grants, sessions } = sessionsOf();
  const { code } = await sessions.issueCode("ada");
  const kept = JSON.stringify(await grants.list());
  const session = (await sessions.redeem(code)) ?? "";
  expect(kept + JSON.stringify(await grants.list())).not.toMatch(new RegExp(`${code}|${session}`));
});
