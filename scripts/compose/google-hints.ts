// Which messages of Google's own topics are about us, by topic. Loaded only on Google Cloud.
import { Type } from "typebox";
import { Value } from "typebox/value";
import { readBuildNotification } from "../../shared/adapters/google/builds-wire.ts";
import { readDeployNotification } from "../../shared/adapters/google/deploys-notification.ts";
import { failedPrecondition } from "../../shared/domain/errors.ts";
import type { Hint, HintMessage, Hints } from "../../shared/runtime/hints.ts";

/** Names that Google gave these topics. */
const BUILDS_TOPIC = "cloud-builds";
const DEPLOY_TOPICS = ["clouddeploy-operations", "clouddeploy-resources", "clouddeploy-approvals"] as const;

const Subscriptions = Type.Record(
  Type.String(),
  Type.String({ pattern: "^projects/[^/]+/subscriptions/[^/]+$" }),
);

/** The hints of a JSON object of topic → subscription. Refuses text that is none, or that lacks one of the topics. */
function hintsOf(text: string, topics: readonly string[], isNews: Hint["isNews"]): Hints {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    read = undefined;
  }
  const missing = topics.filter((topic) => !Value.Check(Subscriptions, read) || read[topic] === undefined);
  if (missing.length > 0)
    throw failedPrecondition(
      "CONFIG_INVALID",
      `SIGNALBOX_HINTS is no JSON object with a subscription for ${missing.join(", ")}: set it as terraform/control-plane does.`,
    );
  const subscriptions = read as Readonly<Record<string, string>>;
  return Object.fromEntries(
    topics.map((topic) => [topic, { subscription: subscriptions[topic] ?? "", isNews }]),
  );
}

/** Builds of ours that have ended. */
export const openBuildHints = (text: string): Hints =>
  hintsOf(text, [BUILDS_TOPIC], ({ data }: HintMessage) => readBuildNotification(data)?.ended === true);

/** Releases of ours in this pipeline: what has ended, what changed, who is waited for. */
export const openDeployHints = (text: string, pipeline: string): Hints =>
  hintsOf(
    text,
    DEPLOY_TOPICS,
    ({ attributes }: HintMessage) => readDeployNotification(attributes, pipeline)?.isNews === true,
  );
