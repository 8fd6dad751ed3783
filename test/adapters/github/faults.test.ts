import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { createGithubCodeHost } from "../../../shared/adapters/github/code-host.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { ControlPlaneError, isTransient } from "../../../shared/domain/errors.ts";
import type { Check } from "../../../shared/ports/checks.ts";
import { commitFiles } from "../../support/git-repository.ts";
import { appOf, capturedLog, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";
import type { Fault } from "../../support/github/github-fake.ts";

let world: GithubWorld;
let commit: string;
beforeEach(async () => {
  world = await startGithubWorld();
  commit = commitFiles(world.repository.folder, { files: { "a.txt": "a\n", "dir/b.txt": "b\n" } });
  world.branch("main", commit);
});
afterEach(() => world.close());

const REPOSITORY = "acme/platform";
const hostOf = (change: Parameters<typeof appOf>[1] = {}) =>
  createGithubCodeHost({ app: appOf(world.fake, change), clock: systemClock });

async function errorOf(work: Promise<unknown>): Promise<ControlPlaneError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ControlPlaneError) return error;
  throw new Error(`expected an error of the table, got ${String(error)}`);
}

const check = (change: Partial<Check> = {}): Check => ({
  id: "c1",
  repository: REPOSITORY,
  commit,
  name: "plan web",
  status: "in_progress",
  title: "Planning",
  summary: "…",
  annotations: [],
  updatedAt: "2026-01-01T00:00:00.000Z",
  ...change,
});

/** Commits of as many authors, in one go. */
function commitMany(folder: string, parent: string, count: number): string {
  const commits = Array.from({ length: count }, (_, index) =>
    [
      "commit refs/heads/many",
      `author p${index} <p${index}@example.test> 1767225600 +0000`,
      `committer p${index} <p${index}@example.test> 1767225600 +0000`,
      "data 1",
      "x",
      ...(index === 0 ? [`from ${parent}`] : []),
      `M 100644 inline f${index}`,
      "data 1",
      "x",
      "",
    ].join("\n"),
  );
  const git = ["--git-dir", folder];
  execFileSync("git", [...git, "fast-import", "--quiet"], { input: commits.join("") });
  return execFileSync("git", [...git, "rev-parse", "refs/heads/many"], { encoding: "utf8" }).trim();
}

const annotations = (count: number): Check["annotations"] =>
  Array.from({ length: count }, (_, index) => ({
    path: "main.tf",
    line: index + 1,
    message: `problem ${index}`,
  }));

test.each<[Fault, string, boolean]>([
  ["503", "UNAVAILABLE", true],
  ["500", "UNAVAILABLE", true],
  ["502-after", "UNAVAILABLE", true],
  ["cut", "UNAVAILABLE", true],
  ["garbage", "UNAVAILABLE", true],
  ["not-utf8", "UNAVAILABLE", true],
  ["huge", "UNAVAILABLE", true],
  ["hang", "DEADLINE_EXCEEDED", true],
  ["primary-limit", "RESOURCE_EXHAUSTED", true],
  ["secondary-limit", "RESOURCE_EXHAUSTED", true],
  ["unauthenticated", "UNAVAILABLE", true],
  ["forbidden", "PERMISSION_DENIED", false],
])("a read that meets %s is %s", async (fault, code, again) => {
  world.fake.fail(/git\/trees/, fault);
  // Only what is never answered has to run into it: a large answer may take its time on a busy machine.
  const requestTimeoutMs = fault === "hang" ? 500 : 60_000;
  const error = await errorOf(hostOf({ requestTimeoutMs }).tree(REPOSITORY, commit));
  expect([error.code, isTransient(error)]).toStrictEqual([code, again]);
  expect(error.message).not.toMatch(/ghs_|PRIVATE KEY/);
});

test("while a limit holds nothing is sent, and the error says how long", async () => {
  world.fake.fail(/git\/trees/, "secondary-limit");
  const host = hostOf();
  expect((await errorOf(host.tree(REPOSITORY, commit))).metadata["retryAfterSeconds"]).toBe("60");
  const sent = world.fake.requests.length;
  const again = await errorOf(host.tree(REPOSITORY, commit));
  expect(again.reason).toBe("RATE_LIMITED");
  expect(Number(again.metadata["retryAfterSeconds"])).toBeLessThanOrEqual(60);
  expect(world.fake.requests).toHaveLength(sent);
});

test("the reset of a primary limit is read by the code host's clock", async () => {
  world.fake.skew.ms = 300_000;
  world.fake.rate.resetAtMs = world.fake.now() + 120_000;
  world.fake.fail(/git\/trees/, "primary-limit");
  const error = await errorOf(hostOf().tree(REPOSITORY, commit));
  expect(Number(error.metadata["retryAfterSeconds"])).toBeGreaterThan(110);
  expect(Number(error.metadata["retryAfterSeconds"])).toBeLessThan(130);
});

test("a check whose first reply is lost is adopted, not made twice", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  for (const fault of ["lost-reply", "502-after"] as const) {
    world.fake.fail(/POST .*check-runs/, fault);
    const mine = check({ id: fault, name: fault });
    expect((await errorOf(checks.put(mine))).code).toBe("UNAVAILABLE");
    await checks.put(mine);
    expect(world.repository.checkRuns.filter(({ externalId }) => externalId === fault)).toHaveLength(1);
  }
});

test("of two runs that a stale list led to, the newest goes on and the other is closed", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  await checks.put(check());
  world.fake.fail(/GET .*check-runs/, "stale");
  await checks.put(check({ updatedAt: "2026-01-01T00:00:01.000Z" }));
  expect(world.repository.checkRuns).toHaveLength(2);
  const done = { status: "completed", conclusion: "success", updatedAt: "2026-01-01T00:00:02.000Z" } as const;
  await checks.put(check(done));
  expect(world.repository.checkRuns.map(({ conclusion }) => conclusion)).toStrictEqual([
    "neutral",
    "success",
  ]);
  expect(await checks.list(REPOSITORY, commit)).toHaveLength(1);
});

test("annotations go in batches of 50, once each, and a check with fewer gets a new run", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  const failed = { status: "completed", conclusion: "failure" } as const;
  await checks.put(check({ ...failed, annotations: annotations(120) }));
  await checks.put(
    check({
      ...failed,
      annotations: annotations(120),
      title: "again",
      updatedAt: "2026-01-01T00:00:01.000Z",
    }),
  );
  expect(world.repository.checkRuns.map((run) => run.annotations.length)).toStrictEqual([120]);
  await checks.put(check({ ...failed, annotations: annotations(1), updatedAt: "2026-01-01T00:00:02.000Z" }));
  expect(world.repository.checkRuns.map((run) => run.annotations.length)).toStrictEqual([120, 1]);
  const [listed] = await checks.list(REPOSITORY, commit);
  expect(listed?.annotations).toStrictEqual(annotations(1));
});

test("a check that GitHub would refuse is refused before anything is sent", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  expect((await errorOf(checks.put(check({ summary: "x".repeat(65_536) })))).field).toBe("summary");
  expect((await errorOf(checks.put(check({ annotations: annotations(501) })))).field).toBe("annotations");
  expect((await errorOf(checks.put(check({ status: "completed" })))).field).toBe("conclusion");
  expect((await errorOf(checks.comment(REPOSITORY, 1, "plan", "x".repeat(65_536)))).field).toBe("markdown");
  expect(world.fake.requests).toHaveLength(0);
});

test("a comment of somebody else with our mark is not ours", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  world.open(commit);
  await checks.comment(REPOSITORY, 1, "plan", "one");
  const [mine] = world.repository.comments;
  if (mine === undefined) throw new Error("no comment");
  world.repository.comments.unshift({
    ...mine,
    id: 1,
    appId: null,
    login: "mallory",
    body: `${mine.body} forged`,
  });
  await checks.comment(REPOSITORY, 1, "plan", "two");
  expect(await checks.comments(REPOSITORY, 1)).toStrictEqual([{ key: "plan", markdown: "two" }]);
  expect(world.repository.comments[0]?.body).toContain("forged");
});

test("a tree that GitHub cuts is read folder by folder", async () => {
  world.fake.settings.treeEntriesMax = 1;
  const tree = await hostOf().tree(REPOSITORY, commit);
  expect(tree.map(({ path }) => path)).toStrictEqual(["a.txt", "dir/b.txt"]);
});

test("authors are read to the last page, and a comparison may have more files than GitHub lists", async () => {
  const head = commitMany(world.repository.folder, commit, 130);
  const { people, firstParentCount } = await hostOf().history(REPOSITORY, commit, head);
  expect(people).toHaveLength(130);
  expect(firstParentCount).toBe(131);
});

test("people are known by login as well", async () => {
  world.repository.accounts.set("ada@example.test", "ada-lovelace");
  const head = commitFiles(world.repository.folder, { parent: commit, files: { x: "x" }, author: "ada" });
  const { people } = await hostOf().history(REPOSITORY, commit, head);
  expect(people).toStrictEqual(["ada-lovelace", "ada@example.test"]);
});

test("what has not changed costs nothing of the limit", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  await checks.put(check());
  await checks.list(REPOSITORY, commit);
  const { remaining } = world.fake.rate;
  await checks.list(REPOSITORY, commit);
  expect(world.fake.rate.remaining).toBe(remaining);
  expect(world.fake.requests.at(-1)?.status).toBe(304);
});

test("a token is taken once, until shortly before it expires", async () => {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) };
  const app = appOf(world.fake, { clock });
  const host = createGithubCodeHost({ app, clock });
  const minted = () => world.fake.requests.filter(({ line }) => line.endsWith("access_tokens")).length;
  await Promise.all([host.tree(REPOSITORY, commit), host.history(REPOSITORY, commit, commit)]);
  expect(minted()).toBe(1);
  aheadMs = 54 * 60_000;
  await host.history(REPOSITORY, commit, commit);
  expect(minted()).toBe(1);
  aheadMs = 56 * 60_000;
  await host.history(REPOSITORY, commit, commit);
  expect(minted()).toBe(2);
});

test.each([-3_600_000, 3_600_000])("a clock that is %i ms off still signs in", async (skewMs) => {
  world.fake.skew.ms = skewMs;
  const app = appOf(world.fake);
  expect(await createGithubCodeHost({ app, clock: systemClock }).tree(REPOSITORY, commit)).toHaveLength(2);
});

test("a revoked token is replaced at the next try", async () => {
  const host = hostOf();
  await host.tree(REPOSITORY, commit);
  world.fake.tokens.clear();
  expect((await errorOf(host.history(REPOSITORY, commit, commit))).reason).toBe("TOKEN_REFUSED");
  await host.history(REPOSITORY, commit, commit);
});

test("a suspended installation and a missing permission say what to do", async () => {
  const [installation] = world.fake.installations.values();
  if (installation === undefined) throw new Error("no installation");
  installation.permissions = { metadata: "read" };
  const missing = await errorOf(hostOf().tree(REPOSITORY, commit));
  expect([missing.code, missing.message]).toStrictEqual([
    "PERMISSION_DENIED",
    expect.stringContaining("contents=read"),
  ]);
  installation.suspendedAt = new Date().toISOString();
  expect((await errorOf(hostOf().tree(REPOSITORY, commit))).reason).toBe("INSTALLATION_SUSPENDED");
});

test("a wrong key or App id is refused once, with what to compare", async () => {
  const error = await errorOf(
    createGithubCodeHost({ app: appOf(world.fake, { appId: "1" }), clock: systemClock }).tree(
      REPOSITORY,
      commit,
    ),
  );
  expect(error.code).toBe("NOT_FOUND");
  expect(() => appOf(world.fake, { privateKey: "x" })).toThrow("privateKey is no PEM key");
  expect(() => appOf(world.fake, { appId: "app" })).toThrow("appId is the number");
});

test("a build's token reads one repository's contents and nothing else, and is never logged", async () => {
  const log = capturedLog();
  const app = appOf(world.fake, { log });
  const { token } = await app.sourceToken(REPOSITORY);
  const held = world.fake.tokens.get(token);
  expect([held?.permissions, held?.repositories]).toStrictEqual([{ contents: "read" }, [REPOSITORY]]);
  expect(log.lines.join("\n")).not.toContain(token);
});

test("a moved base is merged file by file, and a change of both sides waits for GitHub's own merge", async () => {
  const { folder } = world.repository;
  const text = (first: string, last: string) => [first, "b", "c", "d", "e", "f", "g", "h", last].join("\n");
  const start = commitFiles(folder, { parent: commit, files: { "both.txt": text("a", "z") } });
  const base = commitFiles(folder, { parent: start, files: { "both.txt": text("A", "z") } });
  const head = commitFiles(folder, { parent: start, files: { "both.txt": text("a", "Z") } });
  world.branch("main", base);
  world.open(head, { looksUntilMergeable: 2 });
  const clock = { ...systemClock, sleep: async () => {} };
  const host = createGithubCodeHost({ app: appOf(world.fake), clock });
  const merge = await host.testMerge(REPOSITORY, base, head);
  if (merge.kind !== "merged") throw new Error("a merge that GitHub can make is a conflict");
  const file = (await host.tree(REPOSITORY, merge.tree)).find(({ path }) => path === "both.txt");
  const bytes = await host.blob(REPOSITORY, file?.objectId ?? "");
  expect(new TextDecoder().decode(bytes)).toContain("A\nb");
  expect(new TextDecoder().decode(bytes)).toContain("h\nZ");
});
