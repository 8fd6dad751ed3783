// Deliveries in GitHub's shape, signed as GitHub signs them. Only the fields that a receiver may rely on are filled.
import { createHmac, randomUUID } from "node:crypto";

/** The repository of the tour. */
export interface Repository {
  readonly id: number;
  readonly fullName: string;
  readonly defaultBranch: string;
}

/** A pull request as the tour knows it. */
export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly headRef: string;
  readonly headSha: string;
  readonly baseSha: string;
  readonly mergeCommitSha: string | null;
  readonly merged: boolean;
}

/** What is posted. */
export interface Delivery {
  readonly event: "ping" | "pull_request" | "push";
  readonly payload: Readonly<Record<string, unknown>>;
}

const person = (login: string) => ({
  login,
  id: Buffer.from(login).reduce((sum, byte) => (sum * 31 + byte) % 1e6, 7),
  type: "User",
});

const repositoryBody = ({ id, fullName, defaultBranch }: Repository) => {
  const [owner = "", name = ""] = fullName.split("/");
  return {
    id,
    node_id: `R_${id}`,
    name,
    full_name: fullName,
    private: true,
    owner: person(owner),
    fork: false,
    default_branch: defaultBranch,
  };
};

/** `pull_request` with an action such as `opened` or `closed`. */
export function pullRequestDelivery(
  repository: Repository,
  action: string,
  pull: PullRequest,
  sender: string,
): Delivery {
  const repo = repositoryBody(repository);
  return {
    event: "pull_request",
    payload: {
      action,
      number: pull.number,
      pull_request: {
        id: repository.id * 1000 + pull.number,
        number: pull.number,
        state: action === "closed" ? "closed" : "open",
        title: pull.title,
        user: person(pull.author),
        draft: false,
        merged: pull.merged,
        merge_commit_sha: pull.mergeCommitSha,
        head: {
          label: `${pull.author}:${pull.headRef}`,
          ref: pull.headRef,
          sha: pull.headSha,
          user: person(pull.author),
          repo,
        },
        base: {
          label: `base:${repository.defaultBranch}`,
          ref: repository.defaultBranch,
          sha: pull.baseSha,
          user: repo.owner,
          repo,
        },
        changed_files: 1,
      },
      repository: repo,
      sender: person(sender),
    },
  };
}

/** `push` to the default branch. */
export function pushDelivery(
  repository: Repository,
  before: string,
  after: string,
  pusher: string,
): Delivery {
  return {
    event: "push",
    payload: {
      ref: `refs/heads/${repository.defaultBranch}`,
      before,
      after,
      created: /^0+$/.test(before),
      deleted: false,
      forced: false,
      commits: [],
      head_commit: { id: after, tree_id: "", message: "", timestamp: "" },
      pusher: { name: pusher, email: `${pusher}@example.com` },
      repository: repositoryBody(repository),
      sender: person(pusher),
    },
  };
}

/** Posts a delivery with the headers and the signature that GitHub sends; answers status and GUID. */
export async function deliver(
  url: string,
  secret: string,
  { event, payload }: Delivery,
): Promise<{ status: number; guid: string }> {
  const body = JSON.stringify(payload);
  const guid = randomUUID();
  const response = await fetch(`${url}/webhooks/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/tour",
      "x-github-delivery": guid,
      "x-github-event": event,
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    },
    body,
  });
  await response.arrayBuffer();
  return { status: response.status, guid };
}
