import { afterEach } from "vitest";
import { createGithubChecks } from "../../../shared/adapters/github/checks.ts";
import { createGithubCodeHost } from "../../../shared/adapters/github/code-host.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { codeHostContract } from "../../contracts/code-host.ts";
import { commitFiles } from "../../support/git-repository.ts";
import { appOf, type GithubWorld, startGithubWorld } from "../../support/github/fixture.ts";

const worlds: GithubWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

codeHostContract("the GitHub code host", async () => {
  const world = await startGithubWorld();
  worlds.push(world);
  const { folder } = world.repository;
  const first = commitFiles(folder, {
    files: {
      "a.txt": "a\n",
      "B.txt": "B\n",
      "dir/ü b.txt": "u\n",
      "run.sh": { mode: "100755", text: "r\n" },
      link: { mode: "120000", text: "a.txt" },
    },
  });
  const head = commitFiles(folder, {
    parent: first,
    files: { "head.txt": "h\n" },
    author: "ada",
    committer: "carl",
  });
  const base = commitFiles(folder, { parent: first, files: { "base.txt": "b\n" } });
  const conflict = {
    base: commitFiles(folder, { parent: first, files: { "a.txt": "one\n" } }),
    head: commitFiles(folder, { parent: first, files: { "a.txt": "two\n" } }),
  };
  world.branch("main", base);
  world.open(head);
  world.open(conflict.head);
  const app = appOf(world.fake);
  return {
    codeHost: createGithubCodeHost({ app, clock: systemClock }),
    checks: createGithubChecks(app),
    repository: "acme/platform",
    first,
    head,
    base,
    conflict,
  };
});
