// A repository under the name that it had: GitHub leads on, and the token goes nowhere else.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { createGithubCodeHost } from "../../../shared/adapters/github/code-host.ts";
import { createGithubFetch, REDIRECTS_MAX } from "../../../shared/adapters/github/fetch.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { commitFiles } from "../../support/git-repository.ts";
import { appOf, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";

let world: GithubWorld;
beforeEach(async () => {
  world = await startGithubWorld();
});
afterEach(() => world.close());

test("a renamed repository is read, and its checks are written, under its old name", async () => {
  const commit = commitFiles(world.repository.folder, { files: { "a.txt": "a\n" } });
  world.branch("main", commit);
  world.fake.rename(world.repository, "acme/renamed");
  const app = appOf(world.fake);
  const host = createGithubCodeHost({ app, clock: systemClock });
  expect((await host.tree("acme/platform", commit)).map(({ path }) => path)).toEqual(["a.txt"]);
  const check = {
    id: "c1",
    repository: "acme/platform",
    commit,
    name: "plan web",
    status: "in_progress",
    title: "Planning",
    summary: "…",
    annotations: [],
    updatedAt: "2026-01-01T00:00:00.000Z",
  } as const;
  await createGithubChecks(app).put(check);
  await createGithubChecks(app).put({ ...check, status: "completed", conclusion: "success" });
  expect(world.repository.checkRuns.map(({ conclusion }) => conclusion)).toEqual(["success"]);
});

const leading = (place: (from: string) => string | undefined, status = 301) => {
  const asked: string[] = [];
  const fetch = createGithubFetch(async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(url);
    const location = place(url);
    return location === undefined ? Response.json({}) : new Response(null, { status, headers: { location } });
  });
  return { asked, fetch };
};
const START = "https://api.github.com/repos/acme/old";

test.each([
  "https://evil.example/",
  "http://api.github.com/repositories/1",
  "https://api.github.com:8443/repositories/1",
  "//evil.example/repositories/1",
])("a token is not led to %s", async (location) => {
  const { asked, fetch } = leading(() => location);
  const answer = fetch(START, { headers: { authorization: "Bearer t" } });
  await expect(answer).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "GITHUB_ANSWER" });
  expect(asked).toEqual([START]);
});

test("a circle ends, and a write is led by 307 alone", async () => {
  const circle = leading((url) => url);
  await expect(circle.fetch(START)).rejects.toMatchObject({ reason: "GITHUB_ANSWER" });
  expect(circle.asked).toHaveLength(REDIRECTS_MAX + 1);
  const there = "https://api.github.com/repositories/1";
  const once = (url: string) => (url === START ? there : undefined);
  const write = { method: "POST", body: "{}" };
  expect((await leading(once).fetch(START, write)).status).toBe(301);
  const led = leading(once, 307);
  expect((await led.fetch(START, write)).status).toBe(200);
  expect(led.asked).toEqual([START, there]);
});
