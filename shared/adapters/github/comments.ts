// Comments of ours on pull requests, each one of its kind: https://docs.github.com/rest/issues/comments.
import { Type } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { CheckRunPlace } from "./check-runs.ts";
import { commentMarker, readComment } from "./marker.ts";
import { pages } from "./pages.ts";
import { Anything } from "./send.ts";

/** Comments whose ids are remembered; the oldest is forgotten first, and then looked for. */
export const COMMENTS_REMEMBERED_MAX = 1_000;

const CommentAnswer = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  body: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  performed_via_github_app: Type.Optional(Type.Union([Type.Null(), Type.Object({ id: Type.Integer() })])),
});
const Comments = Type.Array(CommentAnswer);

interface OwnComment {
  readonly id: number;
  readonly key: string;
  readonly markdown: string;
}

/** Comments that this App wrote, the oldest first. Others may copy the mark, and are not believed. */
export async function ownComments(place: CheckRunPlace, number: number): Promise<readonly OwnComment[]> {
  const { send, owner, repo, appId } = place;
  const request = {
    route: "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
    parameters: { owner, repo, issue_number: number },
    what: `GitHub ${owner}/${repo} comments of pull request ${number}`,
  };
  const own: OwnComment[] = [];
  for await (const part of pages(send, Comments, request)) {
    for (const { id, body, performed_via_github_app: by } of part) {
      const read = by?.id === appId ? readComment(body ?? "") : undefined;
      if (read !== undefined) own.push({ id, ...read });
    }
  }
  return own;
}

const isGone = (error: unknown): boolean => error instanceof ControlPlaneError && error.code === "NOT_FOUND";

/** Where one comment is written. */
interface Spot {
  readonly place: CheckRunPlace;
  readonly number: number;
  readonly body: string;
  readonly what: string;
}

async function create({ place: { send, owner, repo }, number, body, what }: Spot): Promise<number> {
  const { data } = await send(CommentAnswer, {
    route: "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    parameters: { owner, repo, issue_number: number, body },
    what,
  });
  return data.id;
}

/** False when somebody has deleted it. */
async function edit({ place: { send, owner, repo }, body, what }: Spot, id: number): Promise<boolean> {
  try {
    const route = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}";
    await send(CommentAnswer, { route, parameters: { owner, repo, comment_id: id, body }, what });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** A lost reply and a list that was behind may have made a second one. */
async function removeDoubles({ place: { send, owner, repo }, what }: Spot, doubles: readonly OwnComment[]) {
  for (const { id } of doubles) {
    const route = "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}";
    try {
      await send(Anything, { route, parameters: { owner, repo, comment_id: id }, what });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/**
 * Writes the one comment of a pull request and key: found by its mark, edited when it is there, made when it is not or was deleted. The id
 * of what was written is remembered, because GitHub's list may be behind. Calls for one comment must come one after the other.
 */
export function createCommenter(open: (repository: string) => Promise<CheckRunPlace>) {
  const remembered = new Map<string, number>();
  const remember = (name: string, id: number): void => {
    remembered.delete(name);
    remembered.set(name, id);
    const [oldest] = remembered.keys();
    if (remembered.size > COMMENTS_REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  };
  return async (repository: string, number: number, key: string, markdown: string): Promise<void> => {
    const place = await open(repository);
    const name = `${repository} ${number} ${key}`;
    const what = `GitHub ${repository} comment on pull request ${number}`;
    const spot: Spot = { place, number, body: `${commentMarker(key)}${markdown}`, what };
    const [mine, ...doubles] = (await ownComments(place, number)).filter((each) => each.key === key);
    const id = mine?.id ?? remembered.get(name);
    const stands = id !== undefined && (mine?.markdown === markdown || (await edit(spot, id)));
    remember(name, stands ? id : await create(spot));
    await removeDoubles(spot, doubles);
  };
}
