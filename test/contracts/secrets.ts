// The law of the secrets port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { Secrets } from "../../shared/ports/secrets.ts";

/** Secrets to try, and hands to put one there: the newest version last. */
export interface SecretsUnderTest {
  readonly secrets: Secrets;
  readonly put: (name: string, versions: readonly string[]) => Promise<void>;
}

/** Tries the whole law on one adapter; `create` answers an empty store. */
export function itBehavesLikeSecrets(name: string, create: () => Promise<SecretsUnderTest>): void {
  describe(`${name} are secrets`, () => {
    test("the newest version is current, and the one before it previous", async () => {
      const { secrets, put } = await create();
      await put("github-webhook", ["old", "new"]);
      expect(await secrets.get("github-webhook")).toEqual({ current: "new", previous: "old" });
    });

    test("a secret that never changed has no previous one", async () => {
      const { secrets, put } = await create();
      await put("github-webhook", ["only"]);
      expect(await secrets.get("github-webhook")).toEqual({ current: "only" });
    });

    test("white space around it is no part of it, and every other character is", async () => {
      const { secrets, put } = await create();
      await put("app-key", ["-----BEGIN\nжар 🔑\n-----END\n"]);
      expect(await secrets.get("app-key")).toEqual({ current: "-----BEGIN\nжар 🔑\n-----END" });
    });

    test("one that is absent or empty is FAILED_PRECONDITION, never an empty text", async () => {
      const { secrets, put } = await create();
      await put("empty", ["\n"]);
      for (const absent of ["nowhere", "empty"])
        await expect(secrets.get(absent)).rejects.toMatchObject({
          code: "FAILED_PRECONDITION",
          reason: "SECRET_MISSING",
        });
    });

    test("what is no name reaches no store", async () => {
      const { secrets } = await create();
      for (const bad of ["", "..", "../key", "a/b", "A", "__proto__", "a".repeat(64), "latest:access"])
        await expect(secrets.get(bad)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "name" });
    });
  });
}
