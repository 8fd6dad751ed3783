// Numbers and keys of GitHub's that no good answer has.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { createGithubCodeHost } from "../../../shared/adapters/github/code-host.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import type { Check } from "../../../shared/ports/checks.ts";
import { commitFiles } from "../../support/git-repository.ts";
import { appOf, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";

const REPOSITORY = "acme/platform";
const CHECK: Omit<Check, "commit"> = {
  id: "c1",
  repository: REPOSITORY,
  name: "plan web",
  status: "in_progress",
  title: "Planning",
  summary: "…",
  annotations: [],
  updatedAt: "2026-01-01T00:00:00.000Z",
};
let world: GithubWorld;
let commit: string;
beforeEach(async () => {
  world = await startGithubWorld();
  const files = {
    "a.txt": "a\n",
    __proto__proto__: "b\n",
    ["__proto__"]: "c\n",
    "constructor/prototype": "d\n",
  };
  commit = commitFiles(world.repository.folder, { files });
  world.branch("main", commit);
});
afterEach(() => world.close());

test("the id of a check run that a number does not keep exactly is refused, so that no other run is changed", async () => {
  const check: Check = { ...CHECK, commit };
  await createGithubChecks(appOf(world.fake)).put(check);
  const [run] = world.repository.checkRuns;
  if (run === undefined) throw new Error("there is no run");
  Object.assign(run, { id: 2 ** 53 });
  const again = createGithubChecks(appOf(world.fake)).put({ ...check, title: "Planned" });
  const error: unknown = await again.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "ControlPlaneError" });
  expect(isTransient(error)).toBe(true);
  expect(world.repository.checkRuns.map((each) => JSON.stringify(each).includes("Planned"))).toEqual([false]);
});

test("a check of the same name and commit that is another one has a run of its own", async () => {
  const checks = createGithubChecks(appOf(world.fake));
  for (const id of ["c1", "c2"]) await checks.put({ ...CHECK, commit, id, title: id });
  await checks.put({ ...CHECK, commit, id: "c1", title: "c1 again", updatedAt: "2026-01-01T00:00:01.000Z" });
  expect(world.repository.checkRuns.map(({ externalId }) => externalId)).toEqual(["c1", "c2"]);
  const titles = (await checks.list(REPOSITORY, commit)).map(({ id, title }) => [id, title]);
  expect(titles.toSorted()).toEqual([
    ["c1", "c1 again"],
    ["c2", "c2"],
  ]);
});

test("paths that are keys of prototypes are paths", async () => {
  const host = createGithubCodeHost({ app: appOf(world.fake), clock: systemClock });
  const paths = (await host.tree(REPOSITORY, commit)).map(({ path }) => path);
  expect(paths.toSorted()).toEqual(["__proto__", "__proto__proto__", "a.txt", "constructor/prototype"]);
  expect(({} as { readonly a?: unknown }).a).toBeUndefined();
});
