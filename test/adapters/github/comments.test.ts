// One comment of its kind on a pull request, whatever gets lost on the way and whoever interferes.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { commitFiles } from "../../support/git-repository.ts";
import { appOf, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";

const REPOSITORY = "acme/platform";
const KEY = "provisioning";
const POST = /POST .*\/comments$/;
const LIST = /GET .*\/comments/;

let world: GithubWorld;
let number: number;
beforeEach(async () => {
  world = await startGithubWorld();
  const commit = commitFiles(world.repository.folder, { files: { "a.txt": "a\n" } });
  world.branch("main", commit);
  world.open(commit);
  number = [...world.repository.pulls.keys()][0] ?? 0;
});
afterEach(() => world.close());

/** As a process that has just started: it remembers nothing. */
const started = () => createGithubChecks(appOf(world.fake));
const bodies = () => world.repository.comments.map(({ body }) => body.replace(/^<!--.*-->\n/, ""));
const sent = (method: string) =>
  world.fake.requests.filter(({ line }) => line.startsWith(`${method} `)).length;

test("it is made once, edited after, and left alone while it says the same", async () => {
  const checks = started();
  for (const text of ["one", "two", "two"]) await checks.comment(REPOSITORY, number, KEY, text);
  expect(bodies()).toEqual(["two"]);
  expect(sent("PATCH")).toBe(1);
});

test("a process that starts anew finds it by its mark", async () => {
  await started().comment(REPOSITORY, number, KEY, "one");
  await started().comment(REPOSITORY, number, KEY, "two");
  expect(bodies()).toEqual(["two"]);
});

test("a lost reply leads to no second one, in the same process or in another", async () => {
  for (const next of [(checks: ReturnType<typeof started>) => checks, started]) {
    world.repository.comments.length = 0;
    const checks = started();
    world.fake.fail(POST, "lost-reply");
    await expect(checks.comment(REPOSITORY, number, KEY, "one")).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    expect(bodies()).toEqual(["one"]);
    await next(checks).comment(REPOSITORY, number, KEY, "two");
    expect(bodies()).toEqual(["two"]);
  }
});

test("a list that is behind leads to no second one while the first is remembered", async () => {
  const checks = started();
  await checks.comment(REPOSITORY, number, KEY, "one");
  world.fake.fail(LIST, "stale");
  await checks.comment(REPOSITORY, number, KEY, "two");
  expect(bodies()).toEqual(["two"]);
});

test("a second one that was made all the same is taken away with the next word", async () => {
  await started().comment(REPOSITORY, number, KEY, "one");
  world.fake.fail(LIST, "stale");
  await started().comment(REPOSITORY, number, KEY, "two");
  expect(bodies()).toEqual(["one", "two"]);
  await started().comment(REPOSITORY, number, KEY, "three");
  expect(bodies()).toEqual(["three"]);
});

test("one that somebody has deleted is made again", async () => {
  const checks = started();
  await checks.comment(REPOSITORY, number, KEY, "one");
  world.repository.comments.length = 0;
  await checks.comment(REPOSITORY, number, KEY, "two");
  await checks.comment(REPOSITORY, number, KEY, "three");
  expect(bodies()).toEqual(["three"]);
});

test("many words at once end as one comment with the last of them", async () => {
  const checks = started();
  await Promise.all(
    Array.from({ length: 10 }, (_, index) => checks.comment(REPOSITORY, number, KEY, `word ${index}`)),
  );
  expect(bodies()).toEqual(["word 9"]);
});
