// Repositories on GitHub, read over its REST API with the rights of the App: contents and pull requests, read only.
import { createHash } from "node:crypto";
import { type Static, Type } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import { compareBytes } from "../../domain/terraform-files.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CodeHost, TestMerge, TreeEntry } from "../../ports/code-host.ts";
import type { GithubApp } from "./app.ts";
import { repositoryParts, type Send } from "./send.ts";
import { mergeName, readTreeName, requireObjectId } from "./object-ids.ts";
import { pages } from "./pages.ts";
import { mergeTrees } from "./three-way.ts";
import { readTree, TREES_KNOWN_MAX } from "./trees.ts";

/** Commits that are looked at for their authors. */
export const HISTORY_COMMITS_MAX = 10_000;
/** Looks at a pull request until GitHub has computed its test merge. */
export const MERGEABLE_LOOKS_MAX = 6;
/** Pause before the next look. */
export const MERGEABLE_PAUSE_MS = 1_000;

const Sha = Type.String({ pattern: "^[0-9a-f]{40}(?:[0-9a-f]{24})?$" });
const Account = Type.Optional(
  Type.Union([Type.Null(), Type.Object({ login: Type.Optional(Type.String()) })]),
);
const Person = Type.Union([Type.Null(), Type.Object({ email: Type.Optional(Type.String()) })]);
const Comparison = Type.Object({
  merge_base_commit: Type.Object({ sha: Sha }),
  total_commits: Type.Integer({ minimum: 0 }),
  commits: Type.Array(
    Type.Object({
      sha: Sha,
      commit: Type.Object({ author: Person, committer: Person }),
      author: Account,
      committer: Account,
    }),
  ),
});
const BlobAnswer = Type.Object({ content: Type.String(), encoding: Type.Literal("base64") });
const PullsAnswer = Type.Array(
  Type.Object({ number: Type.Integer(), state: Type.String(), head: Type.Object({ sha: Sha }) }),
);
const PullAnswer = Type.Object({
  mergeable: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  merge_commit_sha: Type.Union([Sha, Type.Null()]),
});
const CommitAnswer = Type.Object({
  tree: Type.Object({ sha: Sha }),
  parents: Type.Array(Type.Object({ sha: Sha })),
});

/** What the code host is made from. */
export interface GithubCodeHostOptions {
  readonly app: Pick<GithubApp, "on">;
  readonly clock: Clock;
}

interface Repository {
  readonly send: Send;
  readonly owner: string;
  readonly repo: string;
  readonly name: string;
}

/** Logins and e-mail addresses: an approver may be known by either. */
function peopleOf(commits: Static<typeof Comparison>["commits"]): readonly string[] {
  return commits.flatMap(({ commit, author, committer }) =>
    [commit.author?.email, commit.committer?.email, author?.login, committer?.login].filter(
      (each): each is string => each !== undefined && each !== "",
    ),
  );
}

async function compare({ send, owner, repo, name }: Repository, base: string, head: string) {
  const people = new Set<string>();
  let mergeBase = "";
  let total = 0;
  let seen = 0;
  const request = {
    route: "GET /repos/{owner}/{repo}/compare/{basehead}",
    parameters: { owner, repo, basehead: `${base}...${head}`, page: 1 },
    what: `GitHub ${name}@${base}..${head}`,
  };
  for await (const part of pages(send, Comparison, request, HISTORY_COMMITS_MAX)) {
    mergeBase = part.merge_base_commit.sha;
    total = part.total_commits;
    if (total > HISTORY_COMMITS_MAX) {
      const message = `${name}@${base}..${head} has more than ${HISTORY_COMMITS_MAX} commits: base the branch on a newer commit.`;
      throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "HISTORY_TOO_LONG" });
    }
    seen += part.commits.length;
    for (const person of peopleOf(part.commits)) people.add(person);
  }
  // Fewer commits than there are would hide an author, who could then approve their own change.
  if (seen < total) {
    const message = `GitHub listed ${seen} of ${total} commits of ${name}@${base}..${head}.`;
    throw new ControlPlaneError("UNAVAILABLE", message, { reason: "GITHUB_ANSWER" });
  }
  return { mergeBase, people: [...people].sort() };
}

/** How many commits lead to this one: GitHub says it by the number of the last page of pages of one. */
async function commitCount({ send, owner, repo, name }: Repository, sha: string): Promise<number> {
  const { data, links } = await send(Type.Array(Type.Object({ sha: Sha })), {
    route: "GET /repos/{owner}/{repo}/commits",
    parameters: { owner, repo, sha, per_page: 1 },
    what: `GitHub ${name} commits of ${sha}`,
  });
  const { last } = links;
  return last === undefined ? data.length : Number(new URL(last).searchParams.get("page"));
}

/** GitHub's own test merge of an open pull request, if it is of exactly these two commits. */
async function githubMerge(
  { send, owner, repo, name }: Repository,
  { base, head, clock }: { readonly base: string; readonly head: string; readonly clock: Clock },
): Promise<string | undefined> {
  const { data: pulls } = await send(PullsAnswer, {
    route: "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    parameters: { owner, repo, commit_sha: head, per_page: 100 },
    what: `GitHub ${name} pull requests of ${head}`,
  });
  const pull = pulls.find(({ state, head: { sha } }) => state === "open" && sha === head);
  if (pull === undefined) return undefined;
  const what = `GitHub ${name} pull request ${pull.number}`;
  for (let look = 1; ; look += 1) {
    const { data } = await send(PullAnswer, {
      route: "GET /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters: { owner, repo, pull_number: pull.number },
      what,
    });
    if (data.mergeable === false || (data.mergeable === true && data.merge_commit_sha === null))
      return undefined;
    if (data.mergeable === true && data.merge_commit_sha !== null) {
      const { data: commit } = await send(CommitAnswer, {
        route: "GET /repos/{owner}/{repo}/git/commits/{commit_sha}",
        parameters: { owner, repo, commit_sha: data.merge_commit_sha },
        what,
      });
      const [one, other] = commit.parents.map(({ sha }) => sha);
      return one === base && other === head ? commit.tree.sha : undefined;
    }
    if (look >= MERGEABLE_LOOKS_MAX) {
      const message = `${what}: GitHub has not yet computed whether it can be merged.`;
      throw new ControlPlaneError("UNAVAILABLE", message, { reason: "MERGE_UNKNOWN" });
    }
    await clock.sleep(MERGEABLE_PAUSE_MS);
  }
}

/** Reads GitHub. Every id is an object id; nothing that it answers can change but what GitHub says about pull requests. */
export function createGithubCodeHost({ app, clock }: GithubCodeHostOptions): CodeHost {
  const trees = new Map<string, readonly TreeEntry[]>();
  const open = async (name: string): Promise<Repository> => {
    const parts = repositoryParts(name);
    return { ...parts, name, send: await app.on(name) };
  };
  const objectTree = async (repository: Repository, id: string): Promise<readonly TreeEntry[]> => {
    const key = `${repository.name}@${id}`;
    const found = trees.get(key) ?? (await readTree(repository, id));
    trees.delete(key);
    trees.set(key, found);
    const [oldest] = trees.keys();
    if (trees.size > TREES_KNOWN_MAX && oldest !== undefined) trees.delete(oldest);
    return found;
  };
  const merge = async (repository: Repository, base: string, head: string) => {
    const { mergeBase } = await compare(repository, base, head);
    if (mergeBase === base) return { mergeBase, result: undefined };
    const ancestor = await objectTree(repository, mergeBase);
    const [ours, theirs] = [await objectTree(repository, base), await objectTree(repository, head)];
    return { mergeBase, result: mergeTrees(ancestor, ours, theirs) };
  };
  return {
    async tree(name, tree) {
      const read = readTreeName(tree);
      const repository = await open(name);
      if (read.kind === "object") return sorted(await objectTree(repository, read.id));
      const { result } = await merge(repository, read.base, read.head);
      if (result === undefined) return sorted(await objectTree(repository, read.head));
      if (result.kind === "merged") return sorted(result.entries);
      throw new ControlPlaneError("FAILED_PRECONDITION", `${name} ${tree} has conflicts.`, {
        reason: "CONFLICT",
      });
    },
    async blob(name, objectId) {
      const id = requireObjectId("objectId", objectId);
      const { send, owner, repo } = await open(name);
      const { data } = await send(BlobAnswer, {
        route: "GET /repos/{owner}/{repo}/git/blobs/{file_sha}",
        parameters: { owner, repo, file_sha: id },
        what: `GitHub ${name} blob ${id}`,
      });
      const bytes = new Uint8Array(Buffer.from(data.content, "base64"));
      const hash = createHash(id.length === 64 ? "sha256" : "sha1");
      if (hash.update(`blob ${bytes.length}\0`).update(bytes).digest("hex") === id) return bytes;
      const message = `GitHub answered other bytes than those of blob ${id} of ${name}.`;
      throw new ControlPlaneError("UNAVAILABLE", message, { reason: "GITHUB_ANSWER" });
    },
    async testMerge(name, base, head): Promise<TestMerge> {
      const ids = { base: requireObjectId("base", base), head: requireObjectId("head", head) };
      const repository = await open(name);
      const merged = await merge(repository, ids.base, ids.head).catch((error: unknown) => {
        if (error instanceof ControlPlaneError && error.reason === "UNRELATED_HISTORIES") return undefined;
        throw error;
      });
      if (merged === undefined) return { kind: "conflict", paths: [] };
      const { result } = merged;
      // Nothing came to the base since the branch left it: the merge is the branch's head.
      if (result === undefined) return { kind: "merged", tree: head };
      if (result.kind === "merged") return { kind: "merged", tree: mergeName(base, head) };
      const tree = await githubMerge(repository, { ...ids, clock });
      return tree === undefined ? { kind: "conflict", paths: result.paths } : { kind: "merged", tree };
    },
    async history(name, base, head) {
      const [from, to] = [requireObjectId("base", base), requireObjectId("head", head)];
      const repository = await open(name);
      const { mergeBase, people } = await compare(repository, from, to);
      return { mergeBase, people, firstParentCount: await commitCount(repository, to) };
    },
  };
}

const sorted = (entries: readonly TreeEntry[]): readonly TreeEntry[] =>
  entries.toSorted((one, other) => compareBytes(one.path, other.path));
