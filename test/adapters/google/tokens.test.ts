// Tokens of this process, against a loopback fake of the metadata server.
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import {
  createTokens,
  METADATA_TIMEOUT_MS,
  TOKEN_MARGIN_MS,
  TOKENS_KEPT_MAX,
} from "../../../shared/adapters/google/tokens.ts";
import { itBehavesLikeAWorkflowIdentity } from "../../contracts/workflow-identity.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { startMetadata } from "../../support/google/metadata-fake.ts";
import { startIssuer } from "../../support/google/oidc-issuer-fake.ts";
import { until } from "../../support/until.ts";

async function world() {
  const clock = createVirtualClock();
  const now = (): number => Math.floor(clock.now().getTime() / 1_000);
  const issuer = await startIssuer({
    honest: () => ({ iss: "https://accounts.google.com", sub: "1", iat: now(), exp: now() + 3_600 }),
  });
  const metadata = await startMetadata(issuer, undefined, undefined, clock);
  return { clock, metadata, tokens: createTokens({ clock, host: metadata.host }) };
}

itBehavesLikeAWorkflowIdentity("the service account of a service", async ({ tokens: has }) => {
  const { metadata, tokens } = await world();
  if (!has) metadata.failWith({ status: 404, body: "Service account not enabled on this instance" });
  return {
    identity: tokens,
    audienceOf: (token) => String(decodeJwt(token).aud),
    remedy: /service account.*services\.yaml/,
  };
});

describe("a token", () => {
  test("is kept until shortly before its end, for each audience and for each set of scopes", async () => {
    const { clock, metadata, tokens } = await world();
    const one = await tokens.identityToken("https://api");
    await Promise.all(Array.from({ length: 8 }, () => tokens.identityToken("https://other")));
    const access = await tokens.accessToken(["b", "a"]);
    expect(metadata.asked.length).toBe(3);
    await clock.advance(3_599_000 - TOKEN_MARGIN_MS - 1);
    expect(await tokens.identityToken("https://api")).toBe(one);
    expect(await tokens.accessToken(["a", "b"])).toBe(access);
    expect(metadata.asked.length).toBe(3);
    await clock.advance(2_000);
    expect(await tokens.identityToken("https://api")).not.toBe(one);
    expect(await tokens.accessToken(["a", "b"])).not.toBe(access);
  });

  test("is not asked for while the metadata server would give the same one again", async () => {
    const { clock, metadata, tokens } = await world();
    const one = await tokens.identityToken("https://api");
    await clock.advance(3_600_000 - 270_000);
    for (let call = 0; call < 5; call++) expect(await tokens.identityToken("https://api")).toBe(one);
    expect(metadata.asked.length).toBe(1);
  });

  test("is asked for with the audience as it is written", async () => {
    const { metadata, tokens } = await world();
    await tokens.identityToken("https://api?x=1&audience=other#y z");
    expect(metadata.asked).toEqual([
      "identity?audience=https%3A%2F%2Fapi%3Fx%3D1%26audience%3Dother%23y+z&format=full",
    ]);
  });

  test("of too many audiences drops the oldest one", async () => {
    const { metadata, tokens } = await world();
    for (let index = 0; index <= TOKENS_KEPT_MAX; index++) await tokens.accessToken([`scope-${index}`]);
    await tokens.accessToken([`scope-${TOKENS_KEPT_MAX}`]);
    expect(metadata.asked.length).toBe(TOKENS_KEPT_MAX + 1);
    await tokens.accessToken(["scope-0"]);
    expect(metadata.asked.length).toBe(TOKENS_KEPT_MAX + 2);
  });

  test.each([
    ["404", { status: 404 }, "FAILED_PRECONDITION"],
    ["503", { status: 503 }, "UNAVAILABLE"],
    ["a page of something else", { body: "<html>", flavor: "" }, "UNAVAILABLE"],
    ["no token", { body: "{}" }, "UNAVAILABLE"],
    ["text", { body: "not JSON" }, "UNAVAILABLE"],
    ["20 KB", { body: "x".repeat(20_000) }, "UNAVAILABLE"],
  ])(
    "that was answered with %s is a typed error, and the next one is asked for anew",
    async (_what, fault, code) => {
      const { metadata, tokens } = await world();
      metadata.failWith(fault);
      await expect(tokens.identityToken("a")).rejects.toMatchObject({ code });
      await expect(tokens.accessToken([])).rejects.toMatchObject({ code });
      metadata.failWith({});
      expect(await tokens.identityToken("a")).toMatch(/^ey/);
    },
  );

  test("is not waited for longer than three seconds, nor where there is no metadata server", async () => {
    const { clock, metadata, tokens } = await world();
    metadata.failWith({ never: true });
    const asked = tokens.identityToken("a");
    const refused = expect(asked).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await until("the metadata server to be asked", () => metadata.asked.length === 1 || undefined);
    await clock.advance(METADATA_TIMEOUT_MS);
    await refused;
    metadata.close();
    await expect(tokens.identityToken("a")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
