// The law of the grants port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { Grant, Grants } from "../../shared/ports/grants.ts";

const key = (digit: string): string => digit.repeat(64);
const grant = (principal = "ada", kind: Grant["kind"] = "code"): Grant => ({
  kind,
  principal,
  expiresMs: 1_000,
});

/** Tries the whole law on one adapter; `create` answers an empty store and a way to open it again. */
export function itBehavesLikeGrants(
  name: string,
  create: () => Promise<{ readonly grants: Grants; readonly reopen: () => Promise<Grants> }>,
): void {
  describe(`${name} are grants`, () => {
    test("what was put is there, also after the store is opened again", async () => {
      const { grants, reopen } = await create();
      expect([await grants.get(key("a")), await grants.list()]).toEqual([undefined, []]);
      await grants.put(key("a"), grant());
      await grants.put(key("b"), grant("grace", "session"));
      const again = await reopen();
      expect(await again.get(key("a"))).toEqual(grant());
      expect((await again.list()).toSorted((one, other) => (one.key < other.key ? -1 : 1))).toEqual([
        { key: key("a"), grant: grant() },
        { key: key("b"), grant: grant("grace", "session") },
      ]);
    });

    test("of all who take a grant one gets it, and then it is gone", async () => {
      const { grants, reopen } = await create();
      await grants.put(key("a"), grant());
      const other = await reopen();
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? grants : other).take(key("a"))),
      );
      expect(taken.filter((each) => each !== undefined)).toEqual([grant()]);
      expect([await grants.get(key("a")), await grants.list()]).toEqual([undefined, []]);
    });

    test("taking what is not there is undefined", async () => {
      const { grants } = await create();
      expect(await grants.take(key("c"))).toBeUndefined();
    });
  });
}
