// Messages of topics of Google's own: builds and deployments that changed. They come late, twice, in any order, from whoever may
// publish there, or not at all; so nothing is taken from them but the reason to look at once instead of at the next schedule.
import { ControlPlaneError } from "../domain/errors.ts";
import type { Log } from "./log.ts";
import { readHint, subscriptionOfPush } from "./push-message.ts";

/** What is in front of a topic's name in the path that its subscription pushes to. */
export const HINTS_PATH = "/hints/";

/** A message of such a topic. */
export interface HintMessage {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One topic. */
export interface Hint {
  /** The one subscription that may push it. */
  readonly subscription: string;
  /** Whether something of ours may have ended. Throws INVALID_ARGUMENT for what the topic never carries. */
  isNews(message: HintMessage): boolean;
}

/** Topic → what becomes of its messages. */
export type Hints = Readonly<Record<string, Hint>>;

/** The topic of a path; undefined when it is no path of a hint that is known. */
export const hintAt = (hints: Hints, path: string): Hint | undefined => {
  const topic = path.startsWith(HINTS_PATH) ? path.slice(HINTS_PATH.length) : "";
  return Object.hasOwn(hints, topic) ? hints[topic] : undefined;
};

/**
 * Takes one push and answers the status: 403 for another subscription's, 204 when it says nothing to us or the pass that it led to
 * has ended. Rejects when the pass failed: then it is given again. What cannot be read is logged and dropped: it is not work.
 */
export async function acceptHint(
  { subscription, isNews }: Hint,
  body: Uint8Array,
  { log, look }: { readonly log: Log; readonly look: () => Promise<void> },
): Promise<number> {
  const said = subscriptionOfPush(body);
  if (said !== subscription) {
    log.warn({ subscription: said, expected: subscription }, "hint of another subscription refused");
    return 403;
  }
  try {
    if (!isNews(readHint(body))) return 204;
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "INVALID_ARGUMENT") throw error;
    log.warn({ subscription, error }, "hint cannot be read, the next schedule looks");
    return 204;
  }
  await look();
  return 204;
}
