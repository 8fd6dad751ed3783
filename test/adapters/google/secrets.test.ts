// Secrets of Secret Manager, against a loopback fake of its REST API.
import { describe, expect, onTestFinished, test } from "vitest";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import {
  createSecrets,
  SECRET_FRESH_MS,
  SECRET_STALE_MAX_MS,
} from "../../../shared/adapters/google/secrets.ts";
import { SECRET_IN_MANAGER_BYTES_MAX } from "../../../shared/adapters/google/secrets-versions.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { itBehavesLikeSecrets } from "../../contracts/secrets.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { createRestFront } from "../../support/google/rest-front.ts";
import { createSecretsFake } from "../../support/google/secrets-fake.ts";

async function world(project = "acme", timeoutMs?: number) {
  const manager = createSecretsFake("acme");
  const front = await createRestFront(manager.fake);
  onTestFinished(() => front.close());
  const virtual = createVirtualClock();
  let offMs = 0;
  const clock = { ...virtual, now: () => new Date(virtual.now().getTime() + offMs) };
  const calls = createCalls({ clock: systemClock, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const rest = createRest({ calls, accessToken: async () => "ya29.canary-token" });
  const secrets = createSecrets({ rest, project, clock, api: front.url });
  return { manager, front, clock, secrets, set: (ms: number) => void (offMs = ms) };
}

itBehavesLikeSecrets("versions of Secret Manager", async () => {
  const { manager, secrets } = await world();
  return {
    secrets,
    put: async (name, versions) => {
      for (const version of versions) manager.add(name, version);
    },
  };
});

describe("a secret of Secret Manager", () => {
  test("is asked for once in five minutes, by all who want it at the same time", async () => {
    const { manager, front, clock, secrets } = await world();
    manager.add("key", "one");
    await Promise.all(Array.from({ length: 8 }, () => secrets.get("key")));
    await clock.advance(SECRET_FRESH_MS - 1);
    expect(await secrets.get("key")).toEqual({ current: "one" });
    expect(front.requests.length).toBe(1);
    manager.add("key", "two");
    await clock.advance(1);
    expect(await secrets.get("key")).toEqual({ current: "two", previous: "one" });
  });

  test("is asked for again by a process whose clock was set back, which is not fresh for as long", async () => {
    const { manager, secrets, set } = await world();
    manager.add("key", "one");
    await secrets.get("key");
    manager.add("key", "two");
    set(-3_600_000);
    expect(await secrets.get("key")).toEqual({ current: "two", previous: "one" });
    set(3_600_000);
    expect(await secrets.get("key")).toEqual({ current: "two", previous: "one" });
  });

  test.each([
    [429, "RESOURCE_EXHAUSTED", true],
    [503, "UNAVAILABLE", true],
    [403, "PERMISSION_DENIED", false],
  ] as const)(
    "that was never read and is answered %i is %s, and asked for once",
    async (status, code, again) => {
      const { manager, front, secrets } = await world();
      manager.add("key", "one");
      front.fail(/access/, { kind: "refused", status, code });
      const error: unknown = await secrets.get("key").catch((thrown: unknown) => thrown);
      expect([error, isTransient(error)]).toMatchObject([{ name: "ControlPlaneError", code }, again]);
      expect(front.requests.length).toBe(1);
      expect(await secrets.get("key")).toEqual({ current: "one" });
    },
  );

  test("is used on for an hour while Secret Manager cannot be reached, and not longer", async () => {
    const { manager, front, clock, secrets } = await world();
    manager.add("key", "one");
    await secrets.get("key");
    for (const fault of [
      { kind: "refused", status: 503, code: "UNAVAILABLE" },
      { kind: "refused", status: 429, code: "RESOURCE_EXHAUSTED" },
      { kind: "lost reply" },
    ] as const) {
      front.fail(/access/, fault);
      await clock.advance(SECRET_FRESH_MS);
      expect(await secrets.get("key")).toEqual({ current: "one" });
      await secrets.get("key");
    }
    front.fail(/access/, { kind: "refused", status: 503, code: "UNAVAILABLE" });
    await clock.advance(SECRET_STALE_MAX_MS);
    await expect(secrets.get("key")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("is used no more when it was withdrawn, also when that is seen only now", async () => {
    const { manager, clock, secrets } = await world();
    manager.add("key", "one");
    await secrets.get("key");
    manager.set("key", 1, "DISABLED");
    await clock.advance(SECRET_FRESH_MS);
    const refused = { code: "FAILED_PRECONDITION", reason: "SECRET_MISSING" };
    await expect(secrets.get("key")).rejects.toMatchObject(refused);
    await expect(secrets.get("key")).rejects.toMatchObject(refused);
  });

  test("has no previous one once that is disabled, destroyed or not there", async () => {
    const { manager, clock, secrets } = await world();
    for (const text of ["one", "two"]) manager.add("key", text);
    for (const state of ["DISABLED", "DESTROYED"] as const) {
      manager.set("key", 1, state);
      await clock.advance(SECRET_FRESH_MS);
      expect(await secrets.get("key")).toEqual({ current: "two" });
    }
  });

  test("that was damaged on its way, is too large, or is no text, is not used", async () => {
    const { manager, front, secrets } = await world();
    manager.add("damaged", "right");
    front.fail(/damaged/, {
      kind: "answered",
      answer: ({ body }) => ({
        status: 200,
        body: {
          ...(body as object),
          payload: { data: Buffer.from("wrong").toString("base64"), dataCrc32c: "1" },
        },
      }),
    });
    await expect(secrets.get("damaged")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "SECRET_CHECKSUM",
    });
    expect(await secrets.get("damaged")).toEqual({ current: "right" });
    manager.add("bytes", Buffer.from([0xff, 0xfe]));
    await expect(secrets.get("bytes")).rejects.toMatchObject({ reason: "SECRET_UNREADABLE" });
    const canary = "hush-".repeat(SECRET_IN_MANAGER_BYTES_MAX / 5 + 1);
    for (const [name, text] of [
      ["large", canary],
      ["huge", canary.repeat(8)],
    ] as const) {
      manager.add(name, text);
      const refused: unknown = await secrets.get(name).catch((error: unknown) => error);
      expect(refused, name).toMatchObject({ code: "FAILED_PRECONDITION" });
      expect(JSON.stringify(refused) + String(refused)).not.toContain("hush");
    }
    manager.add("largest", "x".repeat(SECRET_IN_MANAGER_BYTES_MAX));
    expect((await secrets.get("largest")).current.length).toBe(SECRET_IN_MANAGER_BYTES_MAX);
    manager.add("odd", "x");
    for (const body of [
      "<html>",
      null,
      [],
      { name: "x" },
      { name: "projects/1/secrets/odd/versions/99999999999999999999" },
    ]) {
      front.fail(/odd/, { kind: "answered", answer: () => ({ status: 200, body }) });
      await expect(secrets.get("odd")).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    }
  });

  test("of another project is PERMISSION_DENIED, a silent server DEADLINE_EXCEEDED, and no error shows a token", async () => {
    const wrong = await world("other");
    const denied = await wrong.secrets.get("key").catch((error: unknown) => error);
    expect(denied).toMatchObject({ code: "PERMISSION_DENIED" });
    expect(JSON.stringify(denied) + String(denied)).not.toContain("canary");
    const silent = await world("acme", 100);
    silent.front.fail(/access/, { kind: "silence" });
    await expect(silent.secrets.get("key")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await silent.front.close();
    await expect(silent.secrets.get("key")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
