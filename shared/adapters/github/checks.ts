// Checks and comments on GitHub. Both are found again by a mark of ours before anything is created.
import { Type } from "typebox";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import type { Check, Checks } from "../../ports/checks.ts";
import type { GithubApp } from "./app.ts";
import { repositoryParts, type Send } from "./send.ts";
import { type CheckRunPlace, listRuns, readRun, requireCheck, runsOf, writeRun } from "./check-runs.ts";
import { createInOrder } from "../../runtime/in-order.ts";
import { createCommenter, ownComments } from "./comments.ts";
import { commentMarker, readCheckMarker } from "./marker.ts";

/** Characters of a comment, its mark included. */
const COMMENT_LENGTH_MAX = 65_536;
/** Open pull requests of which checks are listed when no commit is named. */
export const LISTED_PULLS_MAX = 30;

const Pulls = Type.Array(Type.Object({ head: Type.Object({ sha: Type.String() }) }));
const Commits = Type.Array(Type.Object({ sha: Type.String() }));

/** Commits on which a person looks for checks: the newest of the default branch and of open pull requests. */
async function currentCommits(send: Send, owner: string, repo: string): Promise<readonly string[]> {
  const parameters = { owner, repo };
  const what = `GitHub ${owner}/${repo}`;
  const newest = { route: "GET /repos/{owner}/{repo}/commits", parameters: { ...parameters, per_page: 1 } };
  const { data: commits } = await send(Commits, { ...newest, what }).catch((error: unknown) => {
    if (error instanceof ControlPlaneError && error.reason === "REPOSITORY_EMPTY") return { data: [] };
    throw error;
  });
  const { data: pulls } = await send(Pulls, {
    route: "GET /repos/{owner}/{repo}/pulls",
    parameters: { ...parameters, state: "open", per_page: LISTED_PULLS_MAX },
    what,
  });
  return [...new Set([...commits.map(({ sha }) => sha), ...pulls.map(({ head }) => head.sha)])];
}

/**
 * Keeps checks as check runs and comments as issue comments. Without a commit, `list` shows the checks of the default branch's
 * newest commit and of open pull requests: GitHub has no list of all. Two processes that write one check at the same moment may
 * leave the older content; whoever renders from folded state puts it right with the next word.
 */
export function createGithubChecks(app: Pick<GithubApp, "on" | "appId">): Checks {
  const inOrder = createInOrder();
  const open = async (repository: string): Promise<CheckRunPlace> => ({
    ...repositoryParts(repository),
    send: await app.on(repository),
    appId: app.appId,
  });

  async function put(check: Check): Promise<void> {
    const place = await open(check.repository);
    const runs = await runsOf(place, check);
    const [newest] = runs;
    const known = readCheckMarker(newest?.output.text);
    if (known !== undefined && Date.parse(known) > Date.parse(check.updatedAt)) return;
    await writeRun(place, check, runs);
  }

  const comment = createCommenter(open);

  return {
    async put(check) {
      requireCheck(check);
      return inOrder(`${check.repository} ${check.id}`, () => put(check));
    },
    async list(repository, commit) {
      const place = await open(repository);
      const { send, owner, repo } = place;
      const commits = commit === undefined ? await currentCommits(send, owner, repo) : [commit];
      const found = new Map<string, Check>();
      for (const each of commits) {
        for (const run of await listRuns(place, each)) {
          // Newest first: an older run of the same check is history.
          if (typeof run.external_id !== "string" || found.has(run.external_id)) continue;
          const check = await readRun(place, repository, run);
          if (check !== undefined) found.set(check.id, check);
        }
      }
      return [...found.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    },
    async comment(repository, number, key, markdown) {
      const room = COMMENT_LENGTH_MAX - commentMarker(key).length;
      if (markdown.length > room)
        throw invalidArgument("markdown", `markdown is longer than ${room} characters: cut it.`);
      return inOrder(`${repository} ${number} ${key}`, () => comment(repository, number, key, markdown));
    },
    async comments(repository, number) {
      const own = await ownComments(await open(repository), number);
      const byKey = new Map(own.toReversed().map(({ key, markdown }) => [key, { key, markdown }]));
      return [...byKey.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
    },
  };
}
