// Who is let in on Google Cloud: each kind of token from an issuer of its own with keys that rotate, on loopback.
import { describe, expect, test } from "vitest";
import { createGoogleIdentity } from "../../../shared/adapters/google/identity.ts";
import { GITHUB_ISSUER, githubKeys, githubRule } from "../../../shared/adapters/google/oidc-github.ts";
import { IAP_ISSUER, iapKeys, iapRule } from "../../../shared/adapters/google/oidc-iap.ts";
import { GOOGLE_ISSUERS, googleKeys } from "../../../shared/adapters/google/push-token.ts";
import { whoAsks } from "../../../shared/runtime/authenticate.ts";
import type { Identity } from "../../../shared/runtime/identity.ts";
import { parsePrincipals } from "../../../shared/runtime/principals-file.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { makeKey, type Said, startIssuer } from "../../support/google/oidc-issuer-fake.ts";

const API = "https://signalbox.example.com";
const CLOUD_RUN = "/projects/123456789/locations/europe-west1/services/signalbox-console";
const WORKFLOWS = "signalbox-workflows@acme.iam.gserviceaccount.com";
const PRINCIPALS = JSON.stringify({
  principals: [
    { principal: "ada", role: "engineer", codeHostLogins: ["ada"], google: [{ email: "ada@example.com" }] },
    {
      principal: "grace",
      role: "operator",
      codeHostLogins: [],
      google: [{ email: "grace@example.com", subject: "1001" }],
    },
    {
      principal: "trainer",
      role: "engineer",
      codeHostLogins: [],
      google: [{ email: "train@acme.iam.gserviceaccount.com" }],
    },
    {
      principal: "ci",
      role: "engineer",
      codeHostLogins: [],
      githubActions: [
        { repositoryId: "77", ownerId: "7", ref: "refs/heads/main", environment: "production" },
      ],
    },
  ],
});
const entries = parsePrincipals(PRINCIPALS);
const [rsa, ec] = await Promise.all([makeKey("first"), makeKey("first", "ES256")]);

async function world() {
  const clock = createVirtualClock();
  const now = (): number => Math.floor(clock.now().getTime() / 1_000);
  const times = () => ({ iat: now(), exp: now() + 600 });
  const google = await startIssuer({
    first: rsa,
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: API,
      sub: "1000",
      email: "ada@example.com",
      email_verified: true,
      ...times(),
    }),
  });
  const iap = await startIssuer({
    algorithm: "ES256",
    first: ec,
    honest: () => ({
      iss: IAP_ISSUER,
      aud: CLOUD_RUN,
      sub: "accounts.google.com:1000",
      email: "ada@example.com",
      ...times(),
    }),
  });
  const github = await startIssuer({
    honest: () => ({
      iss: GITHUB_ISSUER,
      aud: API,
      sub: "repo:acme/platform:environment:production",
      repository: "acme/platform",
      repository_id: "77",
      repository_owner: "acme",
      repository_owner_id: "7",
      ref: "refs/heads/main",
      environment: "production",
      event_name: "push",
      ...times(),
    }),
  });
  const others: Identity = {
    authenticate: async (token) =>
      token === "of our own" ? { principal: "admin", role: "admin", codeHostLogins: [] } : undefined,
    find: async () => undefined,
  };
  const identity = createGoogleIdentity({
    others,
    readPrincipals: async () => entries,
    google: {
      issuers: GOOGLE_ISSUERS,
      audiences: [API],
      algorithm: "RS256",
      keys: googleKeys(clock, google.keysUrl),
      clock,
    },
    iap: iapRule([CLOUD_RUN], iapKeys(clock, iap.keysUrl), clock),
    github: githubRule(API, githubKeys(clock, github.keysUrl), clock),
    workflowsAccount: WORKFLOWS,
  });
  return { clock, google, iap, github, identity };
}

describe("a token of Google", () => {
  test("is the person or the service account that principals.json maps it to", async () => {
    const { google, identity } = await world();
    const who = async (said: Said) => identity.authenticate(await google.sign(said));
    expect(await who({})).toEqual({ principal: "ada", role: "engineer", codeHostLogins: ["ada"] });
    expect(await who({ claims: { email: "train@acme.iam.gserviceaccount.com" } })).toMatchObject({
      principal: "trainer",
    });
    expect(await who({ claims: { email: "grace@example.com", sub: "1001" } })).toMatchObject({
      role: "operator",
    });
    expect(await who({ claims: { email: "Ada@Example.com" } })).toMatchObject({ principal: "ada" });
    expect(await who({ claims: { email: WORKFLOWS } })).toMatchObject({ role: "workflow" });
    expect(await identity.authenticate("of our own")).toMatchObject({ role: "admin" });
  });

  test.each<[string, Said]>([
    ["whose address is not verified", { claims: { email_verified: false } }],
    ["of the workflows, not verified", { claims: { email: WORKFLOWS, email_verified: "true" } }],
    ["without an address", { without: ["email"] }],
    ["with a list of addresses", { claims: { email: ["ada@example.com"] } }],
    ["for another audience", { claims: { aud: "32555940559.apps.googleusercontent.com" } }],
    ["that says it is GitHub's", { claims: { iss: GITHUB_ISSUER } }],
    ["that says it is IAP's", { claims: { iss: IAP_ISSUER } }],
  ])("%s is nobody", async (_what, said) => {
    const { google, identity } = await world();
    expect(await identity.authenticate(await google.sign(said))).toBeUndefined();
  });

  test.each<[string, Said]>([
    ["of nobody who is known", { claims: { email: "eve@example.com" } }],
    ["of another account that got the address", { claims: { email: "grace@example.com", sub: "2002" } }],
  ])("%s is told that they are nobody here", async (_what, said) => {
    const { google, identity } = await world();
    await expect(identity.authenticate(await google.sign(said))).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "PRINCIPAL_UNKNOWN",
      message: expect.stringContaining(String(said.claims?.["email"])),
    });
  });

  test("while the issuer is away it is not known who asks, and nobody is let in", async () => {
    const { google, identity } = await world();
    google.answerWith({ status: 503 });
    await expect(identity.authenticate(await google.sign())).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("a token of GitHub Actions", () => {
  test("is the principal whose rule means the job", async () => {
    const { github, identity } = await world();
    expect(await identity.authenticate(await github.sign())).toMatchObject({
      principal: "ci",
      role: "engineer",
    });
    await github.rotate("second", false);
    expect(await identity.authenticate(await github.sign())).toBeUndefined();
  });

  test.each<[string, Said]>([
    ["of another repository", { claims: { repository_id: "78" } }],
    ["of a repository that took the name", { claims: { repository_id: "99", repository: "acme/platform" } }],
    ["of another owner", { claims: { repository_owner_id: "8" } }],
    ["whose repository is a number", { claims: { repository_id: 77 } }],
    ["on another branch", { claims: { ref: "refs/heads/feature" } }],
    ["on a tag of the branch's name", { claims: { ref: "refs/tags/main" } }],
    ["in another environment", { claims: { environment: "staging" } }],
    ["without an environment", { without: ["environment"] }],
    ["of a pull request", { claims: { event_name: "pull_request" } }],
    ["of a pull request, in the base's name", { claims: { event_name: "pull_request_target" } }],
    ["of a review of a pull request", { claims: { event_name: "pull_request_review" } }],
    ["of a comment on its lines", { claims: { event_name: "pull_request_review_comment" } }],
    ["of a comment on it", { claims: { event_name: "issue_comment" } }],
    ["that does not say of which event", { without: ["event_name"] }],
    ["for another audience", { claims: { aud: "https://github.com/acme" } }],
  ])("%s is nobody", async (_what, said) => {
    const { github, identity } = await world();
    expect(await identity.authenticate(await github.sign(said))).toBeUndefined();
  });
});

describe("an assertion of IAP", () => {
  const ask = (identity: Identity, assertion: readonly string[], method = "GET", site?: string) =>
    whoAsks(
      identity,
      undefined,
      {
        method,
        rawHeaders: [
          ...assertion.flatMap((each) => ["X-Goog-IAP-JWT-Assertion", each]),
          ...(site === undefined ? [] : ["sec-fetch-site", site]),
        ],
      },
      "cookie",
    );

  test("is the person, also after IAP has new keys", async () => {
    const { clock, iap, identity } = await world();
    expect(await ask(identity, [await iap.sign()])).toMatchObject({ principal: "ada" });
    await iap.rotate("second");
    await clock.advance(60_000);
    expect(await ask(identity, [await iap.sign()], "POST", "same-origin")).toMatchObject({
      principal: "ada",
    });
    const grace = { claims: { email: "grace@example.com", sub: "accounts.google.com:1001" } };
    expect(await ask(identity, [await iap.sign(grace)], "POST")).toMatchObject({ principal: "grace" });
  });

  test.each<[string, Said]>([
    ["for another service", { claims: { aud: CLOUD_RUN.replace("console", "other") } }],
    ["for a backend service", { claims: { aud: "/projects/123456789/global/backendServices/42" } }],
    ["of Google's other issuer", { claims: { iss: "https://accounts.google.com" } }],
    ["that has ended", { claims: { iat: 1_000, exp: 1_600 } }],
  ])("%s is refused", async (_what, said) => {
    const { iap, identity } = await world();
    await expect(ask(identity, [await iap.sign(said)])).rejects.toMatchObject({
      reason: "ASSERTION_INVALID",
    });
  });

  test.each<[string, Said]>([
    ["of nobody who is known", { claims: { email: "eve@example.com" } }],
    [
      "of another account that got the address",
      { claims: { email: "grace@example.com", sub: "accounts.google.com:2" } },
    ],
  ])("%s is no reason to sign in again: an admin has to know them", async (_what, said) => {
    const { iap, identity } = await world();
    await expect(ask(identity, [await iap.sign(said)])).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "PRINCIPAL_UNKNOWN",
      message: expect.stringMatching(/ask an admin/),
    });
  });

  test("that is there twice, or is a bearer token, or is signed by another algorithm, is refused", async () => {
    const { iap, google, identity } = await world();
    const good = await iap.sign();
    await expect(ask(identity, [good, good])).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(ask(identity, [await google.sign()])).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await identity.authenticate(good)).toBeUndefined();
  });

  test("counts beside the proxy's own token, and not beside one of the caller's", async () => {
    const { iap, google, identity } = await world();
    const both = async (token: string) =>
      whoAsks(
        identity,
        undefined,
        {
          method: "GET",
          rawHeaders: ["x-goog-iap-jwt-assertion", await iap.sign(), "authorization", `Bearer ${token}`],
        },
        "cookie",
      );
    const [header, payload] = (await google.sign({ claims: { email: "iap@google.iam" } })).split(".");
    expect(await both(`${header}.${payload}.SIGNATURE_REMOVED_BY_GOOGLE`)).toMatchObject({
      principal: "ada",
    });
    await expect(both("sbx_of_somebody_else")).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });

  test("changes nothing for the page of another site", async () => {
    const { iap, identity } = await world();
    for (const site of ["cross-site", "same-site", "none"])
      await expect(ask(identity, [await iap.sign()], "POST", site)).rejects.toMatchObject({
        reason: "FOREIGN_PAGE",
      });
  });

  test("counts for nothing where there is no proxy", async () => {
    const { iap } = await world();
    const alone: Identity = { authenticate: async () => undefined, find: async () => undefined };
    await expect(ask(alone, [await iap.sign()])).rejects.toMatchObject({ reason: "TOKEN_MISSING" });
  });

  test("is for audiences that IAP writes, and no other can be configured", async () => {
    const { clock, iap } = await world();
    const keys = iapKeys(clock, iap.keysUrl);
    expect(iapRule([CLOUD_RUN, "/projects/1/global/backendServices/42"], keys, clock).audiences.length).toBe(
      2,
    );
    for (const wrong of [
      [],
      [""],
      ["*"],
      ["https://x"],
      ["/projects/acme/global/backendServices/42"],
      [`${CLOUD_RUN}/`],
    ])
      expect(() => iapRule(wrong, keys, clock)).toThrow("no audience of IAP");
  });
});

test("an entry that nobody could come in as, or that means every job of a repository, is refused", () => {
  const file = (entry: object): string =>
    JSON.stringify({ principals: [{ principal: "x", role: "viewer", codeHostLogins: [], ...entry }] });
  for (const [entry, field] of [
    [{}, "principals[0]"],
    [{ google: [] }, "principals[0]"],
    [{ githubActions: [{ repositoryId: "1", ownerId: "1" }] }, "principals[0].githubActions[0]"],
    [
      { githubActions: [{ repositoryId: "acme/x", ownerId: "1", ref: "refs/heads/main" }] },
      "principals[0].githubActions[0].repositoryId",
    ],
    [
      { githubActions: [{ repositoryId: "1", ownerId: "1", ref: "refs/heads/*" }] },
      "principals[0].githubActions[0].ref",
    ],
    [{ google: [{ email: "Ada@example.com" }] }, "principals[0].google[0].email"],
  ] as const)
    expect(() => parsePrincipals(file(entry))).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", field }),
    );
});
