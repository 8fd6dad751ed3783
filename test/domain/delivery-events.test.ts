// What the code host's other events mean: edits, drafts, reviews, checks, the merge queue, installations.
import { describe, expect, test } from "vitest";
import { readDelivery } from "../../shared/domain/delivery.ts";
import { checkFactData } from "../../shared/runtime/parse.ts";
import { pullRequestBody } from "../services/github-delivery.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const about = {
  repository: { id: 1_296_269, full_name: "acme/platform", default_branch: "main" },
  sender: { login: "grace" },
};

function read(event: string, payload: unknown) {
  const reading = readDelivery(event, payload, `sha256:${"0".repeat(64)}`);
  if (reading.kind === "accepted") checkFactData("delivery.received", reading.data);
  return reading;
}

describe("pull requests that change", () => {
  const edited = (from: string, to: string) => ({
    ...pullRequestBody({ action: "edited", base: to }),
    changes: { base: { ref: { from }, sha: { from: B } } },
  });

  test("an edit of the base is planned anew, and one away from the default branch is withdrawn", () => {
    expect(read("pull_request", edited("release", "main"))).toMatchObject({
      kind: "accepted",
      data: { action: "edited", pullRequest: { baseBranch: "main" } },
    });
    expect(read("pull_request", edited("main", "release"))).toMatchObject({
      kind: "accepted",
      data: { leavesDefaultBranch: true, pullRequest: { baseBranch: "release" } },
    });
    expect(read("pull_request", edited("release", "other")).kind).toBe("ignored");
  });

  test("an edit of title or text changes nothing", () => {
    const body = { ...pullRequestBody({ action: "edited" }), changes: { title: { from: "x" } } };
    expect(read("pull_request", body)).toMatchObject({ kind: "ignored" });
  });

  test("a draft waits until it is ready for review", () => {
    const body = pullRequestBody();
    const draft = { ...body, pull_request: { ...body.pull_request, draft: true } };
    expect(read("pull_request", draft)).toMatchObject({
      kind: "ignored",
      reason: expect.stringContaining("draft"),
    });
    expect(read("pull_request", pullRequestBody({ action: "ready_for_review" })).kind).toBe("accepted");
  });
});

describe("reviews", () => {
  const review = (action: string, state: string, change: object = {}) => ({
    action,
    review: {
      id: 80,
      state,
      commit_id: A,
      submitted_at: "2026-01-01T00:00:00Z",
      user: { login: "grace" },
      ...change,
    },
    pull_request: {
      number: 12,
      user: { login: "ada" },
      head: { sha: A, repo: { id: 1_296_269 } },
      base: { sha: B, ref: "main" },
    },
    ...about,
  });

  test.each([
    ["submitted", "approved", "approved"],
    ["submitted", "changes_requested", "changes_requested"],
    ["dismissed", "approved", "dismissed"],
  ])("%s %s is received as %s", (action, state, as) => {
    expect(read("pull_request_review", review(action, state))).toMatchObject({
      kind: "accepted",
      data: {
        review: { state: as, commit: A, reviewer: "grace" },
        pullRequest: { number: 12, headCommit: A },
      },
    });
  });

  test.each([
    ["submitted", "commented", {}],
    ["edited", "approved", {}],
    ["submitted", "approved", { user: null }],
    ["submitted", "approved", { commit_id: null }],
  ])("%s %s %o approves nothing", (action, state, change) => {
    expect(read("pull_request_review", review(action, state, change)).kind).toBe("ignored");
  });
});

describe("checks and the merge queue", () => {
  test("a check is asked for again, or its button is pressed", () => {
    const run = { external_id: "stacks/web/plans/x", head_sha: A };
    expect(read("check_run", { action: "rerequested", check_run: run, ...about })).toMatchObject({
      data: { check: { id: "stacks/web/plans/x", commit: A } },
    });
    const pressed = {
      action: "requested_action",
      check_run: run,
      requested_action: { identifier: "allow-head" },
    };
    expect(read("check_run", { ...pressed, ...about })).toMatchObject({
      data: { check: { pressed: "allow-head" } },
    });
    expect(read("check_run", { action: "created", check_run: run, ...about }).kind).toBe("ignored");
    const foreign = { ...run, external_id: "" };
    expect(read("check_run", { action: "rerequested", check_run: foreign, ...about }).kind).toBe("ignored");
  });

  test("all checks of a commit are asked for again", () => {
    const suite = { head_sha: A, pull_requests: [{ number: 12 }] };
    expect(read("check_suite", { action: "rerequested", check_suite: suite, ...about })).toMatchObject({
      data: { check: { id: "", pullRequests: [12] } },
    });
    expect(read("check_suite", { action: "completed", check_suite: suite, ...about }).kind).toBe("ignored");
  });

  test("a group of the merge queue is asked about, or given up; its merge is another delivery", () => {
    const group = {
      head_sha: A,
      base_sha: B,
      head_ref: `refs/heads/gh-readonly-queue/main/pr-12-${B}`,
      base_ref: "refs/heads/main",
    };
    const of = (action: string, more: object = {}) =>
      read("merge_group", { action, merge_group: group, ...about, ...more });
    expect(of("checks_requested")).toMatchObject({
      data: { mergeGroup: { headCommit: A, baseCommit: B, pullRequest: 12 } },
    });
    expect(of("destroyed", { reason: "dequeued" }).kind).toBe("accepted");
    expect(of("destroyed", { reason: "merged" }).kind).toBe("ignored");
    expect(
      read("merge_group", {
        action: "checks_requested",
        merge_group: { ...group, base_ref: "refs/heads/release" },
        ...about,
      }).kind,
    ).toBe("ignored");
  });
});

describe("installations", () => {
  const installation = { id: 9_007_199_254_740_991, account: { login: "acme" } };
  const repositories = [{ full_name: "acme/platform" }];
  const { sender } = about;

  test.each([
    ["installation", { action: "created", repositories }, ["acme/platform"], []],
    ["installation", { action: "deleted", repositories }, [], ["acme/platform"]],
    ["installation", { action: "suspend", repositories }, [], ["acme/platform"]],
    ["installation", { action: "unsuspend", repositories }, ["acme/platform"], []],
    [
      "installation_repositories",
      { action: "added", repositories_added: repositories },
      ["acme/platform"],
      [],
    ],
    [
      "installation_repositories",
      { action: "removed", repositories_removed: repositories },
      [],
      ["acme/platform"],
    ],
  ])("%s %o says what may be seen", (event, body, added, removed) => {
    expect(read(event, { installation, sender, ...body })).toMatchObject({
      data: { repository: "", installation: { account: "acme", added, removed } },
    });
  });

  test("other actions change nothing, and a name that is a path is refused", () => {
    expect(read("installation", { action: "new_permissions_accepted", installation, sender }).kind).toBe(
      "ignored",
    );
    const bad = { action: "created", installation, sender, repositories: [{ full_name: "../../etc" }] };
    expect(read("installation", bad).kind).toBe("refused");
  });
});
