// What a code host was asked for by id is asked once.
import { expect, test } from "vitest";
import { notFound } from "../../shared/domain/errors.ts";
import type { CodeHost } from "../../shared/ports/code-host.ts";
import { BLOB_BYTES_REMEMBERED_MAX, rememberedCodeHost } from "../../shared/runtime/remembered-code-host.ts";

const ENTRY = { path: "main.tf", mode: "100644", objectId: "a".repeat(40), size: 3 };

/** A code host that counts its calls; a blob named `large` does not fit into the memory, one named `gone` is not there. */
function counting() {
  const calls: string[] = [];
  const codeHost: CodeHost = {
    async tree(repository, tree) {
      calls.push(`${repository} ${tree}`);
      return [ENTRY];
    },
    async blob(repository, objectId) {
      calls.push(`${repository} ${objectId}`);
      if (objectId === "gone") throw notFound("gone", "Fetch it first.");
      return new Uint8Array(objectId === "large" ? BLOB_BYTES_REMEMBERED_MAX : 3);
    },
    testMerge: async () => ({ kind: "merged", tree: "t" }),
    history: async () => ({ mergeBase: "b", people: [], firstParentCount: 1 }),
  };
  return { calls, codeHost: rememberedCodeHost(codeHost) };
}

test("a tree and a blob are read once, also by two who ask at the same time", async () => {
  const { calls, codeHost } = counting();
  const [first, second] = await Promise.all([codeHost.tree("acme/a", "t1"), codeHost.tree("acme/a", "t1")]);
  expect(first).toEqual([ENTRY]);
  expect(second).toBe(first);
  expect(await codeHost.blob("acme/a", "b1")).toEqual(await codeHost.blob("acme/a", "b1"));
  expect(calls).toEqual(["acme/a t1", "acme/a b1"]);
});

test("the same id in another repository is asked for there", async () => {
  const { calls, codeHost } = counting();
  await codeHost.blob("acme/a", "b1");
  await codeHost.blob("acme/b", "b1");
  expect(calls).toEqual(["acme/a b1", "acme/b b1"]);
});

test("an object that is not there is asked for again", async () => {
  const { calls, codeHost } = counting();
  for (let time = 0; time < 2; time++)
    await expect(codeHost.blob("acme/a", "gone")).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(calls).toEqual(["acme/a gone", "acme/a gone"]);
});

test("what is larger than the memory is given and not kept", async () => {
  const { calls, codeHost } = counting();
  for (let time = 0; time < 2; time++)
    expect((await codeHost.blob("acme/a", "large")).byteLength).toBe(BLOB_BYTES_REMEMBERED_MAX);
  expect(calls).toEqual(["acme/a large", "acme/a large"]);
});
