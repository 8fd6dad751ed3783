// Reads of Git objects: https://docs.github.com/rest/git, https://docs.github.com/rest/commits, https://docs.github.com/rest/pulls.
import { FakeError, type FakeRepository, git, gitBytes, page } from "./world.ts";
import type { Answer, Route } from "./routes.ts";

/** Entries of a recursive tree before it is cut (https://docs.github.com/rest/git/trees: 100,000 entries, 7 MB). */
const TREE_ENTRIES_MAX = 100_000;
/** Commits of a comparison that comes without `page` (https://docs.github.com/rest/commits/commits). */
const COMPARE_COMMITS_MAX = 250;
/** Files of a comparison. */
const COMPARE_FILES_MAX = 300;

const notFound = (): FakeError => new FakeError(404, "Not Found");

/** The Git database of a repository without a commit is a conflict (https://docs.github.com/rest/git, https://docs.github.com/rest/commits). */
function requireCommits(repository: FakeRepository): void {
  if (git(repository, ["rev-list", "--all", "--max-count=1"])?.trim() === "")
    throw new FakeError(409, "Git Repository is empty.");
}

function commitOf(repository: FakeRepository, sha: string): string {
  const found = /^[0-9a-f]{40}$/.test(sha)
    ? git(repository, ["rev-parse", "--verify", "--quiet", `${sha}^{commit}`])
    : git(repository, ["rev-parse", "--verify", "--quiet", `refs/heads/${sha}^{commit}`]);
  if (found === undefined) throw new FakeError(422, `No commit found for SHA: ${sha}`);
  return found.trim();
}

function tree(repository: FakeRepository, sha: string, query: URLSearchParams, entriesMax: number): Answer {
  requireCommits(repository);
  const recursive = query.has("recursive");
  const id = git(repository, ["rev-parse", "--verify", "--quiet", `${sha}^{tree}`])?.trim();
  if (id === undefined) throw notFound();
  const listed = git(repository, ["ls-tree", "-z", "-l", ...(recursive ? ["-r", "-t"] : []), id]) ?? "";
  const all = listed.split("\0").slice(0, -1);
  const entries = all.map((line) => {
    const tab = line.indexOf("\t");
    const [mode = "", type = "", object = "", size = "-"] = line.slice(0, tab).split(/ +/);
    const path = line.slice(tab + 1);
    return { path, mode, type, sha: object, ...(size === "-" ? {} : { size: Number(size) }) };
  });
  const truncated = recursive && entries.length > entriesMax;
  return {
    status: 200,
    body: { sha: id, tree: truncated ? entries.slice(0, entriesMax) : entries, truncated },
  };
}

/** A commit with people, parents and tree, as several endpoints show it. */
function commitBody(repository: FakeRepository, sha: string) {
  const shown = git(repository, ["show", "-s", "--format=%T%x00%P%x00%ae%x00%ce", sha])?.trim() ?? "";
  const [treeId = "", parents = "", author = "", committer = ""] = shown.split("\0");
  const account = (email: string) => {
    const login = repository.accounts.get(email);
    return login === undefined ? null : { login };
  };
  return {
    sha,
    commit: { author: { email: author }, committer: { email: committer }, tree: { sha: treeId } },
    author: account(author),
    committer: account(committer),
    parents: parents
      .split(" ")
      .filter(Boolean)
      .map((parent) => ({ sha: parent })),
  };
}

function compare(repository: FakeRepository, basehead: string, query: URLSearchParams, url: string): Answer {
  const [from = "", to = ""] = decodeURIComponent(basehead).split("...");
  for (const sha of [from, to])
    if (git(repository, ["cat-file", "-e", `${sha}^{commit}`]) === undefined) throw notFound();
  const base = git(repository, ["merge-base", from, to])?.trim();
  if (base === undefined) throw new FakeError(404, `No common ancestor between ${from} and ${to}.`);
  const ids = (git(repository, ["rev-list", "--reverse", `${base}..${to}`]) ?? "")
    .split("\n")
    .filter(Boolean);
  const paged = query.has("page") || query.has("per_page");
  const { items, headers } = paged
    ? page(ids, query, url)
    : { items: ids.slice(-COMPARE_COMMITS_MAX), headers: {} };
  const names = (git(repository, ["diff", "--name-only", base, to]) ?? "").split("\n").filter(Boolean);
  const first = !query.has("page") || query.get("page") === "1";
  const body = {
    merge_base_commit: commitBody(repository, base),
    total_commits: ids.length,
    commits: items.map((sha) => commitBody(repository, sha)),
    files: first ? names.slice(0, COMPARE_FILES_MAX).map((filename) => ({ filename })) : [],
  };
  return { status: 200, body, headers };
}

/** The state of a pull request, with the test merge once it is computed. */
function pullBody(repository: FakeRepository, number: number, withMerge: boolean) {
  const pull = repository.pulls.get(number);
  if (pull === undefined) throw notFound();
  const base = git(repository, ["rev-parse", `refs/heads/${pull.base}`])?.trim() ?? "";
  const body = {
    number,
    state: pull.state,
    user: { login: pull.author },
    head: { sha: pull.head },
    base: { ref: pull.base, sha: base },
  };
  if (!withMerge) return body;
  if (pull.looksUntilMergeable > 0) {
    pull.looksUntilMergeable -= 1;
    return { ...body, mergeable: null, merge_commit_sha: null };
  }
  const merged = git(repository, ["merge-tree", "--write-tree", base, pull.head])?.trim();
  if (merged === undefined) return { ...body, mergeable: false, merge_commit_sha: null };
  const who = ["-c", "user.name=GitHub", "-c", "user.email=noreply@github.com"];
  const sha = git(repository, [...who, "commit-tree", merged, "-p", base, "-p", pull.head, "-m", "merge"]);
  return { ...body, mergeable: true, merge_commit_sha: sha?.trim() ?? null };
}

/** Routes that read Git and pull requests. */
export const GIT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/git\/trees\/(?<sha>[^/]+)$/,
    permission: "contents",
    handle: ({ repository, params, query, settings }) =>
      tree(repository, params["sha"] ?? "", query, settings.treeEntriesMax ?? TREE_ENTRIES_MAX),
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/git\/blobs\/(?<sha>[^/]+)$/,
    permission: "contents",
    handle: ({ repository, params }) => {
      const bytes = gitBytes(repository, params["sha"] ?? "");
      if (bytes === undefined) throw notFound();
      // The API wraps base64 at 60 characters.
      const content = bytes.toString("base64").replaceAll(/(.{60})/g, "$1\n");
      return { status: 200, body: { sha: params["sha"], size: bytes.length, encoding: "base64", content } };
    },
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/git\/commits\/(?<sha>[^/]+)$/,
    permission: "contents",
    handle: ({ repository, params }) => {
      const sha = params["sha"] ?? "";
      if (git(repository, ["cat-file", "-e", `${sha}^{commit}`]) === undefined) throw notFound();
      const { commit, parents } = commitBody(repository, sha);
      return { status: 200, body: { sha, tree: commit.tree, parents } };
    },
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/compare\/(?<basehead>.+)$/,
    permission: "contents",
    handle: ({ repository, params, query, url }) => compare(repository, params["basehead"] ?? "", query, url),
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/commits$/,
    permission: "contents",
    handle: ({ repository, query, url }) => {
      requireCommits(repository);
      const sha = query.get("sha") ?? repository.defaultBranch;
      const listed = git(repository, ["rev-list", sha]);
      if (listed === undefined) throw notFound();
      const ids = listed.split("\n").filter(Boolean);
      const { items, headers } = page(ids, query, url);
      return { status: 200, body: items.map((each) => commitBody(repository, each)), headers };
    },
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/commits\/(?<sha>[0-9a-f]{40})\/pulls$/,
    permission: "pull_requests",
    handle: ({ repository, params, query, url }) => {
      const sha = commitOf(repository, params["sha"] ?? "");
      const found = [...repository.pulls.values()].filter(
        ({ head }) => git(repository, ["merge-base", "--is-ancestor", sha, head]) !== undefined,
      );
      const { items, headers } = page(found, query, url);
      return { status: 200, body: items.map(({ number }) => pullBody(repository, number, false)), headers };
    },
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/pulls$/,
    permission: "pull_requests",
    handle: ({ repository, query, url }) => {
      const open = [...repository.pulls.values()].filter(({ state }) => state === "open");
      const { items, headers } = page(open, query, url);
      return { status: 200, body: items.map(({ number }) => pullBody(repository, number, false)), headers };
    },
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/pulls\/(?<number>\d+)$/,
    permission: "pull_requests",
    handle: ({ repository, params }) => ({
      status: 200,
      body: pullBody(repository, Number(params["number"]), true),
    }),
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)$/,
    permission: "metadata",
    handle: ({ repository }) => ({
      status: 200,
      body: { id: repository.id, full_name: repository.fullName, default_branch: repository.defaultBranch },
    }),
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/collaborators\/(?<login>[^/]+)\/permission$/,
    permission: "metadata",
    handle: ({ repository, params }) => ({
      status: 200,
      body: { permission: repository.permissions.get(params["login"] ?? "") ?? "none" },
    }),
  },
];
