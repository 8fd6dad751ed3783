// Grants as files.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createGrants } from "../../shared/adapters/local/grants.ts";
import { itBehavesLikeGrants } from "../contracts/grants.ts";
import { temporaryFolder } from "../support/folder.ts";

itBehavesLikeGrants("files", async () => {
  const folder = join(temporaryFolder(), "sessions");
  return { grants: createGrants(folder), reopen: async () => createGrants(folder) };
});

test("only their owner can read them, and a damaged one allows nothing", async () => {
  const folder = join(temporaryFolder(), "sessions");
  const grants = createGrants(folder);
  const key = "a".repeat(64);
  await grants.put(key, { kind: "session", principal: "ada", expiresMs: 1 });
  expect(readdirSync(folder)).toEqual([key]);
  expect([statSync(folder).mode & 0o777, statSync(join(folder, key)).mode & 0o777]).toEqual([0o700, 0o600]);
  writeFileSync(join(folder, key), '{"kind":"session","principal":"ada"');
  expect([await grants.get(key), await grants.list()]).toEqual([undefined, []]);
});

test("no key leads out of the folder", () => {
  expect(() => createGrants("/nowhere").get("../principals.json")).toThrow(/SHA-256/);
});
