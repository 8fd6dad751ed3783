// Deliveries in the shape of GitHub's, cut to what is read plus enough around it to look real.
import { createHmac } from "node:crypto";

/** The webhook's secret in tests, and the one before it. */
export const SECRET = { current: "current-secret-of-the-test", previous: "previous-secret-of-the-test" };

const commit = (letter: string): string => letter.repeat(40);

const repository = (id = 1_296_269) => ({
  id,
  full_name: "acme/platform",
  default_branch: "main",
  private: true,
  owner: { login: "acme", id: 7 },
});

/** What a test may want to choose about a pull request. */
export interface PullRequestChoice {
  readonly action?: string;
  readonly merged?: boolean;
  readonly base?: string;
  readonly headRepository?: { readonly id: number } | null;
  readonly number?: number;
}

/** The body of a `pull_request` event. */
export function pullRequestBody(choice: PullRequestChoice = {}) {
  const {
    action = "opened",
    merged = false,
    base = "main",
    headRepository = { id: 1_296_269 },
    number = 12,
  } = choice;
  return {
    action,
    number,
    pull_request: {
      id: 9_007_199_254_740_000,
      number,
      state: merged ? "closed" : "open",
      title: "Give the ranking team a node pool",
      user: { login: "ada-dev", id: 1 },
      merged,
      mergeable: null,
      merge_commit_sha: merged ? commit("c") : commit("d"),
      head: { ref: "node-pool", sha: commit("a"), repo: headRepository },
      base: { ref: base, sha: commit("b"), repo: repository() },
    },
    repository: repository(),
    sender: { login: "ada-dev", id: 1 },
    installation: { id: 42 },
  };
}

/** The body of a `push` event. */
export function pushBody(ref = "refs/heads/main", after = commit("c")) {
  return {
    ref,
    before: commit("b"),
    after,
    created: false,
    deleted: false,
    forced: false,
    commits: [],
    repository: repository(),
    sender: { login: "grace-ops", id: 2 },
    pusher: { name: "grace-ops" },
  };
}

/** A signature as GitHub makes it. */
export function sign(
  body: string | Uint8Array,
  secret: string = SECRET.current,
  algorithm = "sha256",
): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;
}

/** A GUID as GitHub makes it, told apart by a number. */
export const guid = (n = 1): string => `72d3162e-cc78-11e3-81ab-${String(n).padStart(12, "0")}`;

/** Headers of a delivery of this body. */
export function deliveryHeaders(
  event: string,
  body: string | Uint8Array,
  id = guid(),
): Record<string, string> {
  return {
    host: "127.0.0.1:7420",
    "user-agent": "GitHub-Hookshot/044aadd",
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": sign(body),
  };
}
