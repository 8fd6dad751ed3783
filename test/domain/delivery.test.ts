// What deliveries of the code host mean.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { delivery, deliveryTrace, readDelivery, TAKEN_EVENTS } from "../../shared/domain/delivery.ts";
import { checkFactData } from "../../shared/runtime/parse.ts";
import { pullRequestBody, type PullRequestChoice, pushBody } from "../services/github-delivery.ts";
import { given } from "../support/given.ts";

const HASH = `sha256:${"0".repeat(64)}`;
const read = (event: string, payload: unknown) => readDelivery(event, payload, HASH);

describe("pull requests", () => {
  test.each(["opened", "reopened", "synchronize", "closed"])(
    "%s is received with its commits, author and sender",
    (action) => {
      const reading = read("pull_request", pullRequestBody({ action }));
      expect(reading).toEqual({
        kind: "accepted",
        data: {
          event: "pull_request",
          action,
          repository: "acme/platform",
          pullRequest: {
            number: 12,
            author: "ada-dev",
            headCommit: "a".repeat(40),
            baseCommit: "b".repeat(40),
            baseBranch: "main",
            merged: false,
          },
          sender: "ada-dev",
          bodyHash: HASH,
        },
      });
      if (reading.kind === "accepted") checkFactData("delivery.received", reading.data);
    },
  );

  test("the merge is `closed` with `merged`, and only then a merge commit is named", () => {
    expect(read("pull_request", pullRequestBody({ action: "closed", merged: true }))).toMatchObject({
      data: { action: "closed", pullRequest: { merged: true, mergeCommit: "c".repeat(40) } },
    });
  });

  test.each(["labeled", "edited", "merged", "closed ", "toString"])("%s changes nothing", (action) => {
    expect(read("pull_request", pullRequestBody({ action }))).toMatchObject({
      kind: "ignored",
      reason: expect.stringContaining(action),
    });
  });

  test.each<[string, PullRequestChoice, RegExp]>([
    ["into another branch", { base: "release-1" }, /only main is planned/],
  ])("one %s is ignored", (_what, choice, reason) => {
    expect(read("pull_request", pullRequestBody(choice))).toMatchObject({
      kind: "ignored",
      reason: expect.stringMatching(reason),
    });
  });

  test.each([{ id: 99 }, null])("one from a fork (%o) is received as such", (headRepository) => {
    expect(read("pull_request", pullRequestBody({ headRepository }))).toMatchObject({
      kind: "accepted",
      data: { fork: true },
    });
  });

  test("the merge of a fork counts: a maintainer has taken its code", () => {
    expect(
      read("pull_request", pullRequestBody({ action: "closed", merged: true, headRepository: { id: 99 } }))
        .kind,
    ).toBe("accepted");
  });
});

describe("other deliveries", () => {
  test("a push to the default branch is received", () => {
    const reading = read("push", pushBody());
    expect(reading).toMatchObject({
      kind: "accepted",
      data: { event: "push", push: { branch: "main", before: "b".repeat(40), after: "c".repeat(40) } },
    });
    if (reading.kind === "accepted") checkFactData("delivery.received", reading.data);
  });

  test.each(["refs/heads/other", "refs/tags/main", "refs/heads/main2"])("a push to %s is ignored", (ref) => {
    expect(read("push", pushBody(ref))).toMatchObject({ kind: "ignored" });
  });

  test("deleting the branch, a ping and unknown events are ignored with a reason", () => {
    expect(read("push", pushBody("refs/heads/main", "0".repeat(40)))).toEqual({
      kind: "ignored",
      reason: "it deletes the branch",
    });
    expect(read("ping", {})).toMatchObject({ kind: "ignored" });
    expect(read("issues", pullRequestBody())).toEqual({
      kind: "ignored",
      reason: "issues events are not acted on",
    });
  });

  test("the body of another event is refused, whatever the header says", () => {
    expect(read("push", pullRequestBody())).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("push"),
    });
    expect(read("pull_request", pushBody())).toMatchObject({ kind: "refused" });
    expect(read("pull_request", { ...pullRequestBody(), number: "12" })).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("number"),
    });
    expect(
      read("pull_request", {
        ...pullRequestBody(),
        repository: { id: 1, full_name: "../../etc", default_branch: "main" },
      }),
    ).toMatchObject({ kind: "refused" });
  });

  test("reading never throws, whatever was signed", () => {
    fc.assert(
      fc.property(fc.constantFrom(...TAKEN_EVENTS, "other"), fc.jsonValue(), (event, payload) => {
        expect(["accepted", "ignored", "refused"]).toContain(read(event, payload).kind);
      }),
    );
  });
});

test("a delivery is received once", () => {
  const reading = read("push", pushBody());
  if (reading.kind !== "accepted") throw new Error("the push was not accepted");
  given(delivery).when(reading).then({ type: "delivery.received", data: reading.data });
  given(delivery, { type: "delivery.received", data: reading.data })
    .when(reading)
    .thenIgnored(/already/);
  given(delivery).when({ kind: "refused", reason: "no JSON" }).thenIgnored("no JSON");
});

test("the trace of a delivery is the same on every retry and has the form of W3C", () => {
  expect(deliveryTrace("a")).toBe(deliveryTrace("a"));
  expect(deliveryTrace("a")).not.toBe(deliveryTrace("b"));
  expect(deliveryTrace("a")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});
