// The story of what is recorded outside of any: a reconciler found it, or a workflow asked for it.
import type { AnyFact } from "../domain/fact.ts";
import { parseName } from "../domain/names.ts";
import type { Ledger } from "../ports/ledger.ts";
import { currentStory } from "./tracing.ts";

/** Streams that are one story from their first fact to their last. */
const ONE_STORY = ["plan", "rollout", "run"] as const;

/** Stories that are remembered of one stream; the newest ones. */
export const STORIES_KNOWN_MAX = 16;

/** The newest stories of a stream, one for each apply that its facts name. */
export interface Told {
  /** Apply, or undefined for facts that name none → the traceparent of its newest fact, the newest last. */
  readonly stories: ReadonlyMap<unknown, string>;
  /** Whether nothing was forgotten or left out. */
  readonly isAll: boolean;
}

const applyOf = (data: unknown): unknown => (data as { readonly apply?: unknown }).apply;

/** The stories with those of later facts. */
export function toldBy(before: Told, facts: readonly AnyFact[]): Told {
  if (facts.length === 0) return before;
  const stories = new Map(before.stories);
  for (const { correlation, data } of facts) {
    if (correlation === "") continue;
    const apply = applyOf(data);
    stories.delete(apply);
    stories.set(apply, correlation);
  }
  let { isAll } = before;
  for (const apply of stories.keys()) {
    if (stories.size <= STORIES_KNOWN_MAX) break;
    stories.delete(apply);
    isAll = false;
  }
  return { stories, isAll };
}

/** The traceparent of the newest fact of the same story on this stream; empty when there is none, or many stories meet there. */
export async function storyOfStream(
  ledger: Ledger,
  stream: string,
  drafts: readonly { readonly data: unknown }[],
  told: Told,
): Promise<string> {
  const whole = ONE_STORY.some((kind) => parseName(kind, stream) !== undefined);
  const apply = drafts.map(({ data }) => applyOf(data)).find((each) => each !== undefined);
  if (!whole && (apply === undefined || parseName("stack", stream) === undefined)) return "";
  const known = whole ? [...told.stories.values()].at(-1) : told.stories.get(apply);
  // Work that belongs to a story goes on in it, rather than look through a long stream.
  if (known !== undefined || told.isAll || currentStory() !== "") return known ?? "";
  const { facts } = await ledger.read(stream);
  const mine = facts.findLast(
    ({ correlation, data }) => correlation !== "" && (whole || applyOf(data) === apply),
  );
  return mine?.correlation ?? "";
}
