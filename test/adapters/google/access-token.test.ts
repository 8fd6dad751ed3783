// The token of this process by Google's own library, from a fake of the metadata server.
import { expect, test, vi } from "vitest";
import { openAccessToken } from "../../../shared/adapters/google/access-token-open.ts";
import { startMetadata } from "../../support/google/metadata-fake.ts";
import { startIssuer } from "../../support/google/oidc-issuer-fake.ts";

test("a token is kept, and one that was refused is replaced by another, for all who hold it", async () => {
  const metadata = await startMetadata(await startIssuer({ honest: () => ({}) }));
  vi.stubEnv("GCE_METADATA_HOST", metadata.host);
  vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
  const token = openAccessToken();
  const first = await token();
  expect(await token()).toBe(first);
  const second = await token(first);
  expect(second).not.toBe(first);
  expect(await token(first)).toBe(second);
  expect(await token()).toBe(second);
  expect(metadata.asked.filter((line) => line.startsWith("token")).length).toBe(2);
});

test("a token says whose it is, so that a cluster knows the account by the address that its bindings name", async () => {
  const metadata = await startMetadata(await startIssuer({ honest: () => ({}) }));
  vi.stubEnv("GCE_METADATA_HOST", metadata.host);
  vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
  await openAccessToken()();
  const asked = metadata.asked.find((line) => line.startsWith("token")) ?? "";
  expect(new URLSearchParams(asked.slice("token".length)).get("scopes")?.split(",")).toEqual([
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
  ]);
});
