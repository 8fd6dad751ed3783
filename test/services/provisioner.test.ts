import { describe, expect, test } from "vitest";
import { unblockStack } from "../../shared/runtime/stack-operations.ts";
import { applied, failed, planned } from "../support/builds-fake.ts";
import { commitFiles } from "../support/git-repository.ts";
import {
  DATABASE,
  existingStack,
  GRACE,
  type Platform,
  platform,
  REPOSITORY,
  resource,
  states,
  WEB,
  yaml,
} from "../support/provisioning.ts";

describe("a pull request", () => {
  test("is planned for every stack that it touches, and the check says what would happen", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    expect(at.builds.started.map(({ spec }) => spec.files.map(({ path }) => path))).toEqual([
      ["stacks/web/main.tf"],
    ]);
    await at.ends("plan");
    const [check] = (await at.checks.list(REPOSITORY, head)).filter(
      ({ name }) => name === "signalbox/plan (web)",
    );
    expect(check).toMatchObject({ status: "completed", conclusion: "success", title: "1 to create" });
    expect(check?.summary).toContain("terraform_data.a");
  });

  test("that touches no stack is told so", async () => {
    const at = platform();
    const { base } = await existingStack(at);
    const head = commitFiles(at.repository, { parent: base, files: { "README.md": "hello" } });
    await at.deliver({ pullRequest: at.pull(base, head) });
    expect(at.builds.started).toEqual([]);
    expect((await at.checks.list(REPOSITORY, head))[0]).toMatchObject({
      name: "signalbox/configuration",
      conclusion: "success",
    });
  });

  test("with a configuration that cannot be read gets line and column on the check", async () => {
    const at = platform();
    const { base } = await existingStack(at);
    const head = commitFiles(at.repository, {
      parent: base,
      files: { ".signalbox.yaml": `${yaml(WEB)}stakcs: []\n` },
    });
    await at.deliver({ pullRequest: at.pull(base, head) });
    const [check] = await at.checks.list(REPOSITORY, head);
    expect(check?.conclusion).toBe("failure");
    expect(check?.annotations[0]).toMatchObject({ path: ".signalbox.yaml", line: 4 });
    expect(check?.annotations[0]?.message).toContain("stacks");
  });

  test("that is pushed to again supersedes its older plan", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    const newer = commitFiles(at.repository, {
      parent: head,
      files: { "stacks/web/main.tf": resource("c") },
    });
    await at.deliver({ action: "synchronize", pullRequest: at.pull(base, newer) });
    const plans = await at.world.views.list({ collection: "plans", limit: 10 });
    expect(plans.map(({ document }) => document["state"]).toSorted()).toEqual(["PLANNING", "SUPERSEDED"]);
  });

  test("keeps the plan of its newest commit when the message about an older one comes late", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    const newer = commitFiles(at.repository, {
      parent: head,
      files: { "stacks/web/main.tf": resource("c") },
    });
    await at.deliver({ action: "synchronize", pullRequest: at.pull(base, newer) });
    await at.deliver({ pullRequest: at.pull(base, head) });
    const plans = await at.world.views.list({ collection: "plans", limit: 10 });
    const stateOf = Object.fromEntries(
      plans.map(({ document }) => [String(document["headCommit"]), document["state"]]),
    );
    expect(stateOf).toEqual({ [newer]: "PLANNING", [head]: "SUPERSEDED" });
  });

  test("that is pushed to again and again while it is planned leaves no build behind", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    let newest = head;
    for (const name of ["c", "d", "e", "f", "g"]) {
      newest = commitFiles(at.repository, {
        parent: newest,
        files: { "stacks/web/main.tf": resource(name) },
      });
      await at.deliver({ action: "synchronize", pullRequest: at.pull(base, newest) });
    }
    const open = await at.world.views.list({ collection: "openBuilds", limit: 10 });
    expect(open.length).toBe(1);
    expect(at.cancelled).toHaveLength(5);
    await at.ends("plan");
    const plans = await at.world.views.list({ collection: "plans", limit: 10 });
    expect(plans.filter(({ document }) => document["state"] !== "SUPERSEDED")).toMatchObject([
      { document: { headCommit: newest, state: "READY" } },
    ]);
    expect(await at.world.views.list({ collection: "openBuilds", limit: 10 })).toEqual([]);
  });

  test("that conflicts with its base says where", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    const other = commitFiles(at.repository, {
      parent: base,
      files: { "stacks/web/main.tf": resource("x") },
    });
    await at.deliver({ pullRequest: at.pull(other, head) });
    expect((await at.checks.list(REPOSITORY, head))[0]?.annotations[0]?.path).toBe("stacks/web/main.tf");
  });
});

describe("a merge", () => {
  const merge = async (at: Platform, base: string, head: string): Promise<void> => {
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(base, head, { merged: true, mergeCommit: head }),
    });
    await at.deliver({ event: "push", action: "", push: { before: base, after: head, branch: "main" } });
  };

  test("applies the reviewed plan once, whether the push or the pull request comes first, and however often", async () => {
    for (const order of ["pull request first", "push first"] as const) {
      const at = platform();
      const { base, head } = await existingStack(at);
      await at.deliver({ pullRequest: at.pull(base, head) });
      await at.ends("plan");
      const closed = () =>
        at.deliver({
          action: "closed",
          pullRequest: at.pull(base, head, { merged: true, mergeCommit: head }),
        });
      const pushed = () =>
        at.deliver({ event: "push", action: "", push: { before: base, after: head, branch: "main" } });
      for (const event of order === "push first" ? [pushed, closed, pushed] : [closed, pushed, closed])
        await event();
      const applies = at.builds.started.filter(({ spec }) => spec.kind === "apply");
      expect(applies.length, order).toBe(1);
      expect(applies[0]?.spec.planBlob, order).toBeDefined();
      await at.ends("apply");
      expect(await states(at, "applies"), order).toEqual({ "stacks/web": "FINISHED" });
    }
  });

  test("of a new stack waits for approval, then applies in dependency order", async () => {
    const at = platform();
    const base = commitFiles(at.repository, { files: { ".signalbox.yaml": "version: 1\n" } });
    const head = commitFiles(at.repository, {
      parent: base,
      files: {
        ".signalbox.yaml": yaml(WEB + DATABASE),
        "stacks/web/main.tf": resource("a"),
        "stacks/database/main.tf": resource("b"),
      },
    });
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    expect(await states(at, "plans")).toEqual({
      "stacks/database": "WAITING_FOR_APPROVAL",
      "stacks/web": "WAITING_FOR_APPROVAL",
    });
    await merge(at, base, head);
    expect(await states(at, "applies")).toEqual({ "stacks/database": "WAITING", "stacks/web": "WAITING" });
    await at.approveAll();
    expect(await states(at, "applies")).toEqual({ "stacks/database": "WAITING", "stacks/web": "RUNNING" });
    await at.ends("apply");
    expect(await states(at, "applies")).toEqual({ "stacks/database": "RUNNING", "stacks/web": "FINISHED" });
    await at.ends("apply");
    expect(await states(at, "applies")).toEqual({ "stacks/database": "FINISHED", "stacks/web": "FINISHED" });
  });

  test("fails the applies that depend on one that failed", async () => {
    const at = platform();
    const base = commitFiles(at.repository, { files: { ".signalbox.yaml": "version: 1\n" } });
    const head = commitFiles(at.repository, {
      parent: base,
      files: {
        ".signalbox.yaml": yaml(WEB + DATABASE),
        "stacks/web/main.tf": resource("a"),
        "stacks/database/main.tf": resource("b"),
      },
    });
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    await at.approveAll();
    await merge(at, base, head);
    await at.ends("apply", () => failed("APPLY_FAILED"));
    expect(await states(at, "applies")).toEqual({ "stacks/database": "FAILED", "stacks/web": "FAILED" });
    const stack = await at.world.views.get(
      "applies",
      String((await at.world.views.get("stacks", "stacks/database"))?.["lastApply"]),
    );
    expect(stack?.["failure"]).toMatchObject({ reason: "DEPENDENCY_FAILED" });
  });

  test("whose base has moved is planned again and proceeds when it means the same", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan", (spec) => planned(spec, { digest: "plan-sha256:test:same" }));
    const moved = commitFiles(at.repository, {
      parent: base,
      files: { "stacks/web/other.tf": resource("z") },
    });
    const merged = commitFiles(at.repository, {
      parent: moved,
      files: { "stacks/web/main.tf": resource("a") + resource("b") },
    });
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(moved, head, { merged: true, mergeCommit: merged }),
    });
    expect(at.builds.started.map(({ spec }) => spec.kind)).toEqual(["plan", "plan"]);
    await at.ends("plan", (spec) => planned(spec, { digest: "plan-sha256:test:same" }));
    expect(await states(at, "applies")).toEqual({ "stacks/web": "RUNNING" });
  });

  test("whose plan made again differs waits for someone to approve the difference", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    const moved = commitFiles(at.repository, {
      parent: base,
      files: { "stacks/web/other.tf": resource("z") },
    });
    const merged = commitFiles(at.repository, {
      parent: moved,
      files: { "stacks/web/main.tf": resource("a") + resource("b") },
    });
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(moved, head, { merged: true, mergeCommit: merged }),
    });
    await at.ends("plan");
    expect(await states(at, "applies")).toEqual({ "stacks/web": "WAITING" });
    await at.approveAll();
    expect(await states(at, "applies")).toEqual({ "stacks/web": "RUNNING" });
  });

  test("with a stale plan is planned again by itself", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    await merge(at, base, head);
    await at.ends("apply", () => failed("STALE_STATE"));
    await at.ends("plan");
    await at.ends("apply", () => applied());
    const applies = await at.world.views.list({ collection: "applies", limit: 10 });
    expect(applies.map(({ document }) => document["state"]).toSorted()).toEqual(["FAILED", "FINISHED"]);
  });

  test("that is interrupted blocks the stack, shows what was being changed, and goes on after someone has looked", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    await merge(at, base, head);
    await at.ends("apply", () => failed("INTERRUPTED", ["terraform_data.b"]));
    expect(await at.world.views.get("stacks", "stacks/web")).toMatchObject({
      state: "BLOCKED",
      interrupted: { resources: ["terraform_data.b"] },
    });
    const [check] = (await at.checks.list(REPOSITORY, head)).filter(
      ({ name }) => name === "signalbox/apply (web)",
    );
    expect(check).toMatchObject({ conclusion: "failure" });
    expect(check?.summary).toContain("terraform_data.b");

    const next = commitFiles(at.repository, { parent: head, files: { "stacks/web/main.tf": resource("d") } });
    await at.deliver({ pullRequest: at.pull(head, next, { number: 8 }) });
    await at.ends("plan");
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(head, next, { number: 8, merged: true, mergeCommit: next }),
    });
    const before = at.builds.started.length;
    await unblockStack(at.world, { stack: "stacks/web", reason: "looked" }, GRACE);
    await at.world.settle();
    expect(at.builds.started.length).toBe(before + 1);
  });
});

test("nothing that a provisioner handles ends among the dead letters", async () => {
  const at = platform();
  const { base, head } = await existingStack(at);
  await at.deliver({ pullRequest: at.pull(base, head) });
  await at.ends("plan");
  expect(await at.world.deadLetters.list(10)).toMatchObject({ total: 0 });
  expect(at.world.log.lines.filter(({ level }) => level !== "info")).toEqual([]);
});
