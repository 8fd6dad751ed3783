import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubAccess } from "../../../shared/adapters/github/access.ts";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { commitFiles, createRepository } from "../../support/git-repository.ts";
import { appOf, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";

let world: GithubWorld;
beforeEach(async () => {
  world = await startGithubWorld();
});
afterEach(() => world.close());

test("a repository without a commit is told as one, and has no checks", async () => {
  world.fake.addRepository(createRepository(dirname(dirname(world.repository.folder)), "acme/new"));
  const app = appOf(world.fake);
  const error: unknown = await createGithubAccess(app)
    .defaultCommit("acme/new")
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "NOT_FOUND", reason: "REPOSITORY_EMPTY" });
  expect(isTransient(error)).toBe(false);
  expect(await createGithubChecks(app).list("acme/new")).toEqual([]);
});

test("the newest commit of the default branch is told", async () => {
  const commit = commitFiles(world.repository.folder, { files: { "a.txt": "a\n" } });
  world.branch("main", commit);
  expect(await createGithubAccess(appOf(world.fake)).defaultCommit("acme/platform")).toBe(commit);
});
