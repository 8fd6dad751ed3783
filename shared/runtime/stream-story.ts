// The story of what is recorded outside of any: a reconciler found it, or a workflow asked for it.
import { parseName } from "../domain/names.ts";
import type { Ledger } from "../ports/ledger.ts";

/** Streams that are one story from their first fact to their last. */
const ONE_STORY = ["plan", "rollout", "run"] as const;

const applyOf = (data: unknown): unknown => (data as { readonly apply?: unknown }).apply;

/** The traceparent of the newest fact of the same story on this stream; empty when there is none, or many stories meet there. */
export async function storyOfStream(
  ledger: Ledger,
  stream: string,
  drafts: readonly { readonly data: unknown }[],
): Promise<string> {
  const whole = ONE_STORY.some((kind) => parseName(kind, stream) !== undefined);
  const apply = drafts.map(({ data }) => applyOf(data)).find((each) => each !== undefined);
  if (!whole && (apply === undefined || parseName("stack", stream) === undefined)) return "";
  const { facts } = await ledger.read(stream);
  const mine = facts.findLast(
    ({ correlation, data }) => correlation !== "" && (whole || applyOf(data) === apply),
  );
  return mine?.correlation ?? "";
}
