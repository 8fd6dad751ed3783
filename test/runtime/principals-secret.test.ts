// Who may come in, from a secret: as its newest version says, and nobody when that is wrong.
import { expect, test } from "vitest";
import { createPrincipalsOfSecret } from "../../shared/runtime/principals-secret.ts";
import { formatPrincipals } from "../../shared/runtime/principals-file.ts";
import { ENTRIES } from "../services/door.ts";

function secret(text: string) {
  const held = { text, asked: [] as string[] };
  const read = createPrincipalsOfSecret({
    get: async (name) => {
      held.asked.push(name);
      return { current: held.text, previous: formatPrincipals(ENTRIES) };
    },
  });
  return { held, read };
}

test("the newest version counts, as soon as the store has it", async () => {
  const { held, read } = secret(formatPrincipals(ENTRIES));
  const first = await read();
  expect(first).toEqual(ENTRIES);
  // A text that is the same is not read twice.
  expect(await read()).toBe(first);
  held.text = formatPrincipals(ENTRIES.slice(1));
  expect(await read()).toEqual(ENTRIES.slice(1));
  expect(new Set(held.asked)).toEqual(new Set(["principals"]));
});

test.each([
  ["no JSON", "principals:"],
  ["a role that no person has", '{"principals":[{"principal":"a","role":"workflow","codeHostLogins":[]}]}'],
  ["a person who cannot come in", '{"principals":[{"principal":"a","role":"admin","codeHostLogins":[]}]}'],
  ["nothing", ""],
])("a version that is %s lets nobody in, not even by the version before", async (_what, text) => {
  const { held, read } = secret(formatPrincipals(ENTRIES));
  await read();
  held.text = text;
  await expect(read()).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "PRINCIPALS_UNREADABLE" });
  held.text = formatPrincipals(ENTRIES);
  expect(await read()).toEqual(ENTRIES);
});
