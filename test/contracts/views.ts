// The law of the views port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { ViewPut, Views } from "../../shared/ports/views.ts";

const put = (key: string, document: ViewPut["document"], collection = "models"): ViewPut => ({
  collection,
  key,
  document,
});

/** Commits puts to a stream of its own, from whatever was seen there. */
async function write(views: Views, ...puts: readonly ViewPut[]): Promise<void> {
  const expected = await views.seen("p", "s");
  const answer = await views.commit({ projection: "p", stream: "s", expected, seen: expected + 1, puts });
  expect(answer).toBe("committed");
}

/** Tries the whole law on one adapter; `create` answers empty views and a way to open them again. */
export function itBehavesLikeViews(
  name: string,
  create: () => Promise<{ readonly views: Views; readonly reopen: () => Promise<Views> }>,
): void {
  describe(`${name} are views`, () => {
    test("what was never put is undefined, and nothing was seen", async () => {
      const { views } = await create();
      expect(await views.get("models", "m")).toBeUndefined();
      expect(await views.list({ collection: "models", limit: 10 })).toEqual([]);
      expect(await views.seen("p", "s")).toBe(0);
    });

    test("documents are replaced whole, deleted by null, and apart by collection", async () => {
      const { views } = await create();
      await write(views, put("m", { a: 1, b: [2, { c: null }] }), put("m", { other: true }, "plans"));
      expect(await views.get("models", "m")).toEqual({ a: 1, b: [2, { c: null }] });
      await write(views, put("m", { a: 2 }));
      expect(await views.get("models", "m")).toEqual({ a: 2 });
      await write(views, put("m", null), put("never", null));
      expect(await views.get("models", "m")).toBeUndefined();
      expect(await views.get("plans", "m")).toEqual({ other: true });
    });

    test("a commit that expects another version writes nothing", async () => {
      const { views } = await create();
      await write(views, put("m", { a: 1 }));
      const late = {
        projection: "p",
        stream: "s",
        expected: 0,
        seen: 5,
        puts: [put("m", { a: 2 }), put("n", { a: 2 })],
      };
      expect(await views.commit(late)).toBe("stale");
      expect(await views.get("models", "m")).toEqual({ a: 1 });
      expect(await views.get("models", "n")).toBeUndefined();
      expect(await views.seen("p", "s")).toBe(1);
    });

    test("exactly one of eight racing commits wins, the first as each later one", async () => {
      const { views } = await create();
      for (const expected of [0, 1, 2]) {
        const race = (index: number) => ({ expected, seen: expected + 1, puts: [put("m", { index })] });
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, index) =>
            views.commit({ projection: "p", stream: "s", ...race(index) }),
          ),
        );
        expect(answers.filter((answer) => answer === "committed")).toHaveLength(1);
        expect(await views.get("models", "m")).toEqual({ index: answers.indexOf("committed") });
      }
    });

    test("a document that was changed since it was read is not overwritten, and the commit writes nothing", async () => {
      const { views } = await create();
      await write(views, put("m", { a: 1 }), put("n", { a: 1 }));
      const { document, etag } = await views.read("models", "m");
      expect(document).toEqual({ a: 1 });
      const absent = await views.read("models", "new");
      expect(absent).toEqual({ document: undefined, etag: null });
      await write(views, { ...put("m", { a: 2 }), etag }, { ...put("new", { a: 1 }), etag: absent.etag });

      const stale = [
        { ...put("m", { a: 3 }), etag },
        { ...put("m", null), etag },
        { ...put("new", { a: 2 }), etag: absent.etag },
      ];
      for (const change of stale) {
        const expected = await views.seen("p", "s");
        const puts = [put("n", { a: 9 }), change];
        expect(await views.commit({ projection: "p", stream: "s", expected, seen: expected + 1, puts })).toBe(
          "stale",
        );
        expect(await views.seen("p", "s")).toBe(expected);
      }
      expect(await Promise.all(["m", "n", "new"].map((key) => views.get("models", key)))).toEqual([
        { a: 2 },
        { a: 1 },
        { a: 1 },
      ]);
      const { etag: now } = await views.read("models", "m");
      await write(views, { ...put("m", null), etag: now }, { ...put("never", null), etag: null });
      expect(await views.get("models", "m")).toBeUndefined();
    });

    test("versions are apart by projection and by stream", async () => {
      const { views } = await create();
      await views.commit({ projection: "p", stream: "s", expected: 0, seen: 7, puts: [] });
      expect(await Promise.all([views.seen("p", "s"), views.seen("p", "t"), views.seen("q", "s")])).toEqual([
        7, 0, 0,
      ]);
    });

    test("lists are ordered by bytes, both ways, in pages that meet", async () => {
      const { views } = await create();
      const keys = ["a", "a/b", "a/b/c", "a0", "b", "Ü", "ü", "🚂"];
      await write(views, ...keys.toReversed().map((key) => put(key, { key })));
      for (const order of ["ascending", "descending"] as const) {
        const found: string[] = [];
        for (let after: string | undefined; found.length < 100;) {
          const query = { collection: "models", limit: 3, order };
          const page = await views.list(after === undefined ? query : { ...query, after });
          found.push(...page.map(({ key }) => key));
          for (const { key, document } of page) expect(document).toEqual({ key });
          after = page.at(-1)?.key;
          if (after === undefined) break;
        }
        expect(found).toEqual(order === "ascending" ? keys : keys.toReversed());
      }
    });

    test("a prefix selects the keys that begin with it, wildcards of SQL included literally", async () => {
      const { views } = await create();
      await write(views, ...["e@1", "e@2", "e%x", "e_x", "f@1", "e"].map((key) => put(key, { key })));
      const keys = async (query: object): Promise<readonly string[]> =>
        (await views.list({ collection: "models", limit: 10, ...query })).map(({ key }) => key);
      expect(await keys({ prefix: "e@" })).toEqual(["e@1", "e@2"]);
      expect(await keys({ prefix: "e%" })).toEqual(["e%x"]);
      expect(await keys({ prefix: "e_" })).toEqual(["e_x"]);
      expect(await keys({ prefix: "e@", after: "e@1" })).toEqual(["e@2"]);
      expect(await keys({ prefix: "e@", order: "descending", after: "e@2" })).toEqual(["e@1"]);
      expect(await keys({ prefix: "x" })).toEqual([]);
    });

    test("documents keep their key order, precision and awkward keys, and are not shared with the writer", async () => {
      const { views } = await create();
      const document = JSON.parse(
        '{"z":1,"a":{"__proto__":{"x":0.1},"naïve 🚂":"\\u0000"},"n":9007199254740991}',
      ) as { z: number };
      const text = JSON.stringify(document);
      await write(views, put("ключ/🚂", document));
      document.z = 2;
      expect(JSON.stringify(await views.get("models", "ключ/🚂"))).toBe(text);
    });

    test("documents and versions are there after the store is opened again", async () => {
      const { views, reopen } = await create();
      await write(views, put("m", { a: 1 }));
      const again = await reopen();
      expect(await again.get("models", "m")).toEqual({ a: 1 });
      expect(await again.seen("p", "s")).toBe(1);
    });
  });
}
