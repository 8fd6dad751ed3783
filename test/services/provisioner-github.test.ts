// What people and the merge queue do on the code host, and what becomes of it.
import { describe, expect, test } from "vitest";
import { ANNOTATION_LENGTH_MAX } from "../../services/provisioner/checks.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { headName, type Permission } from "../../shared/domain/fork-gate.ts";
import { approvePlan } from "../../shared/runtime/stack-operations.ts";
import { failed, planned } from "../support/builds-fake.ts";
import { commitFiles } from "../support/git-repository.ts";
import {
  existingStack,
  GRACE,
  platform,
  type Platform,
  REPOSITORY,
  resource,
  states,
} from "../support/provisioning.ts";

const PEOPLE: Readonly<Record<string, Permission>> = {
  grace: "write",
  edsger: "admin",
  eve: "read",
  ada: "admin",
};
const onGithub = (defaultCommit = ""): Platform =>
  platform({
    permission: (_repository, login) => Promise.resolve(PEOPLE[login] ?? "none"),
    defaultCommit: () =>
      defaultCommit === ""
        ? Promise.reject(new ControlPlaneError("NOT_FOUND", "empty", { reason: "RESOURCE_NOT_FOUND" }))
        : Promise.resolve(defaultCommit),
  });
const DELETES = {
  digest: `plan-sha256:k:${"1".repeat(64)}`,
  counts: { create: 0, update: 0, replace: 0, delete: 1, read: 0 },
};
const LATER = "2100-01-01T00:00:00Z";

const review = (state: string, reviewer: string, commit: string, submittedAt = LATER) => ({
  id: `${reviewer}-${state}`,
  state,
  commit,
  reviewer,
  submittedAt,
});

const checkOf = async (at: Platform, commit: string, name: string) =>
  (await at.checks.list(REPOSITORY, commit)).find((each) => each.name === name);

/** A plan that deletes something, and so waits for one approval. */
async function waitingPlan(at: Platform) {
  const sides = await existingStack(at);
  const pullRequest = at.pull(sides.base, sides.head);
  await at.deliver({ pullRequest });
  await at.ends("plan", (spec) => planned(spec, DELETES));
  expect(await states(at, "plans")).toEqual({ "stacks/web": "WAITING_FOR_APPROVAL" });
  const give = (data: ReturnType<typeof review>) =>
    at.deliver({ event: "pull_request_review", action: "submitted", pullRequest, review: data });
  return { ...sides, pullRequest, give };
}

describe("a pull request from outside", () => {
  async function forked(at: Platform) {
    const { base, head } = await existingStack(at);
    const pullRequest = at.pull(base, head, { author: "mallory" });
    await at.deliver({ pullRequest, fork: true, sender: "mallory" });
    return { head, pullRequest, gate: headName(REPOSITORY, 7, head) };
  }
  const press = (at: Platform, id: string, commit: string, sender: string) =>
    at.deliver({
      event: "check_run",
      action: "requested_action",
      sender,
      check: { id, commit, pressed: "allow-head" },
    });

  test("is not planned, and its check has a button", async () => {
    const at = onGithub();
    const { head } = await forked(at);
    expect(at.builds.started).toEqual([]);
    const check = await checkOf(at, head, "signalbox/fork");
    expect(check).toMatchObject({ conclusion: "action_required", actions: [{ id: "allow-head" }] });
  });

  test.each(["eve", "mallory", "stranger"])("is not let in by %s", async (login) => {
    const at = onGithub();
    const { head, gate } = await forked(at);
    await press(at, gate, head, login);
    expect(at.builds.started).toEqual([]);
  });

  test("is planned once a maintainer presses the button, and another commit waits again", async () => {
    const at = onGithub();
    const { head, gate, pullRequest } = await forked(at);
    await press(at, gate, head, "grace");
    expect(at.builds.started).toHaveLength(1);
    expect(await checkOf(at, head, "signalbox/fork")).toMatchObject({ conclusion: "success" });
    const next = commitFiles(at.repository, {
      parent: head,
      files: { "stacks/web/main.tf": resource("evil") },
    });
    await at.deliver({
      action: "synchronize",
      fork: true,
      pullRequest: { ...pullRequest, headCommit: next },
    });
    expect(at.builds.started).toHaveLength(1);
    expect(await checkOf(at, next, "signalbox/fork")).toMatchObject({ conclusion: "action_required" });
  });

  test("is let in by an approving review of exactly this commit", async () => {
    const at = onGithub();
    const { head, pullRequest } = await forked(at);
    const event = { event: "pull_request_review", action: "submitted", fork: true, pullRequest };
    await at.deliver({ ...event, review: review("approved", "grace", "f".repeat(40)) });
    expect(at.builds.started).toEqual([]);
    await at.deliver({ ...event, review: review("approved", "grace", head) });
    expect(at.builds.started).toHaveLength(1);
  });

  test("is not let in by a review of the commit that it had before", async () => {
    const at = onGithub();
    const { head, pullRequest } = await forked(at);
    const files = { "stacks/web/main.tf": resource("evil") };
    const headCommit = commitFiles(at.repository, { parent: head, files });
    const now = { fork: true, pullRequest: { ...pullRequest, headCommit } };
    await at.deliver({ action: "synchronize", ...now });
    const event = { event: "pull_request_review", action: "submitted", ...now };
    // The older commit waits as well, and its review comes late.
    await at.deliver({ ...event, review: review("approved", "grace", head) });
    expect(at.builds.started).toEqual([]);
    await at.deliver({ ...event, review: review("approved", "grace", headCommit) });
    expect(at.builds.started).toHaveLength(1);
  });

  test("stays out where the code host knows no people", async () => {
    const at = platform();
    const { head, gate } = await forked(at);
    await press(at, gate, head, "grace");
    expect(at.builds.started).toEqual([]);
  });
});

describe("a review", () => {
  test("approves the plan of its commit, and takes the approval back when it is dismissed", async () => {
    const at = onGithub();
    const { head, give } = await waitingPlan(at);
    await give(review("approved", "grace", head));
    expect(await states(at, "plans")).toEqual({ "stacks/web": "APPROVED" });
    expect(await checkOf(at, head, "signalbox/plan (web)")).toMatchObject({ conclusion: "success" });
    await give(review("dismissed", "grace", head));
    expect(await states(at, "plans")).toEqual({ "stacks/web": "WAITING_FOR_APPROVAL" });
    expect(await checkOf(at, head, "signalbox/plan (web)")).toMatchObject({ conclusion: "action_required" });
  });

  test.each([
    ["of someone who may only read", "eve", undefined, LATER],
    ["of the author", "ada", undefined, LATER],
    ["of an older commit", "grace", "f".repeat(40), LATER],
    ["that came before the plan", "grace", undefined, "2000-01-01T00:00:00Z"],
    ["without a time", "grace", undefined, "never"],
  ])("%s approves nothing", async (_what, login, commit, time) => {
    const at = onGithub();
    const { head, give } = await waitingPlan(at);
    await give(review("approved", login, commit ?? head, time));
    expect(await states(at, "plans")).toEqual({ "stacks/web": "WAITING_FOR_APPROVAL" });
  });

  test("of somebody else takes no approval back, nor does one that was given here", async () => {
    const at = onGithub();
    const { head, give } = await waitingPlan(at);
    await at.approveAll();
    await give(review("changes_requested", "edsger", head));
    await give(review("dismissed", "grace", head));
    expect(await states(at, "plans")).toEqual({ "stacks/web": "APPROVED" });
  });

  test("and a word here by the same person are one approval", async () => {
    const at = onGithub();
    const { head, give } = await waitingPlan(at);
    await give(review("approved", "grace", head));
    const [listed] = await at.world.views.list({ collection: "plans", limit: 1 });
    const { name, digest } = listed?.document ?? {};
    const logins = { ...GRACE, codeHostLogins: ["someone", "GRACE"] };
    const outcome = await approvePlan(at.world, { plan: String(name), digest: String(digest) }, logins);
    expect(outcome.approvals).toBe(1);
  });
});

describe("a pull request that goes elsewhere", () => {
  test("has no plans any more", async () => {
    const at = onGithub();
    const { base, head } = await waitingPlan(at);
    const moved = at.pull(base, head, { baseBranch: "release" });
    await at.deliver({ action: "edited", leavesDefaultBranch: true, pullRequest: moved });
    expect(await states(at, "plans")).toEqual({ "stacks/web": "SUPERSEDED" });
  });

  test("has none either once the App may not see the repository", async () => {
    const at = onGithub();
    await waitingPlan(at);
    const installation = { id: "1", account: "acme", added: [], removed: [REPOSITORY] };
    await at.deliver({ event: "installation", action: "deleted", repository: "", installation });
    expect(await states(at, "plans")).toEqual({ "stacks/web": "SUPERSEDED" });
  });
});

test("a repository that the App may see is read as it stands, and nothing is applied", async () => {
  const scratch = platform();
  const { base } = await existingStack(scratch);
  const at = onGithub(base);
  await existingStack(at);
  const installation = { id: "1", account: "acme", added: [REPOSITORY], removed: [] };
  await at.deliver({ event: "installation", action: "created", repository: "", installation });
  expect(at.builds.started).toEqual([]);
  expect(await at.world.views.get("stacks", "stacks/web")).toMatchObject({ repository: REPOSITORY });
});

test("a check that is asked for again plans again, and the newer plan stands", async () => {
  const at = onGithub();
  const { head } = await waitingPlan(at);
  const check = await checkOf(at, head, "signalbox/plan (web)");
  const asked = { event: "check_run", action: "rerequested", check: { id: check?.id ?? "", commit: head } };
  await at.world.advance(1_000);
  await at.deliver(asked);
  expect(at.builds.started).toHaveLength(2);
  await at.deliver({ ...asked, check: { id: "configuration/x", commit: head } });
  const plans = await at.world.views.list({ collection: "plans", limit: 10 });
  expect(plans.map(({ document }) => document["state"]).toSorted()).toEqual(["PLANNING", "SUPERSEDED"]);
});

describe("the merge queue", () => {
  const ask = (at: Platform, base: string, head: string, action = "checks_requested") =>
    at.deliver({
      event: "merge_group",
      action,
      mergeGroup: { headCommit: head, baseCommit: base, pullRequest: 7 },
    });

  test("passes at once what is exactly what was approved", async () => {
    const at = onGithub();
    const { base, head, give } = await waitingPlan(at);
    await give(review("approved", "grace", head));
    const group = commitFiles(at.repository, {
      parent: base,
      files: { "stacks/web/main.tf": resource("a") + resource("b"), "README.md": "other" },
    });
    await ask(at, base, group);
    expect(at.builds.started).toHaveLength(1);
    expect(await checkOf(at, group, "signalbox/plan (web)")).toMatchObject({ conclusion: "success" });
  });

  test("does not pass what is exactly what waits for approval", async () => {
    const at = onGithub();
    const { base, head } = await waitingPlan(at);
    const files = { "README.md": "other" };
    const group = commitFiles(at.repository, { parent: head, files });
    await ask(at, base, group);
    const check = await checkOf(at, group, "signalbox/plan (web)");
    expect(check?.status).not.toBe("completed");
    expect(at.builds.started).toHaveLength(2);
    await at.ends("plan", (spec) => planned(spec, DELETES));
    expect(await checkOf(at, group, "signalbox/plan (web)")).toMatchObject({ conclusion: "action_required" });
  });

  async function combined(at: Platform) {
    const sides = await waitingPlan(at);
    await sides.give(review("approved", "grace", sides.head));
    const group = commitFiles(at.repository, {
      parent: sides.head,
      files: { "stacks/web/extra.tf": "# another pull request\n" },
    });
    await ask(at, sides.base, group);
    expect(at.builds.started).toHaveLength(2);
    return { ...sides, group };
  }

  test("plans the combination, and passes it when it means the same", async () => {
    const at = onGithub();
    const { group } = await combined(at);
    await at.ends("plan", (spec) => planned(spec, DELETES));
    expect(await checkOf(at, group, "signalbox/plan (web)")).toMatchObject({ conclusion: "success" });
  });

  test("stops a combination that means something else", async () => {
    const at = onGithub();
    const { group } = await combined(at);
    await at.ends("plan", (spec) => planned(spec, { ...DELETES, digest: `plan-sha256:k:${"9".repeat(64)}` }));
    expect(await checkOf(at, group, "signalbox/plan (web)")).toMatchObject({ conclusion: "action_required" });
  });

  test("stops planning what it has given up", async () => {
    const at = onGithub();
    const { base, group } = await combined(at);
    await ask(at, base, group, "destroyed");
    expect(await checkOf(at, group, "signalbox/plan (web)")).toMatchObject({ conclusion: "neutral" });
  });
});

test("an error that quotes a whole answer is cut to what an annotation takes, and the check has its end", async () => {
  const at = platform();
  const { base, head } = await existingStack(at);
  await at.deliver({ pullRequest: at.pull(base, head) });
  const message = `${"x".repeat(ANNOTATION_LENGTH_MAX - 1)}😀${"é".repeat(100_000)}`;
  const problems = [{ path: "stacks/web/main.tf", line: 3, column: 1, message }];
  await at.ends("plan", () => ({ ...failed("PLAN_FAILED"), problems }));
  const check = await checkOf(at, head, "signalbox/plan (web)");
  expect(check).toMatchObject({ status: "completed", conclusion: "failure" });
  expect(check?.annotations[0]?.message).toBe(`${"x".repeat(ANNOTATION_LENGTH_MAX - 1)}\uFFFD …`);
});
