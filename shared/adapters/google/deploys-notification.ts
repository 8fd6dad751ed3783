// What the topics of Cloud Deploy say. Everything is in the attributes; messages come late, twice, in any order, or not at all.
import { invalidArgument } from "../../domain/errors.ts";

/** A hint to look at a release of ours: never its state. */
export interface DeployNotification {
  readonly release: string;
  /** Absent when it is about the release itself. */
  readonly rollout?: string;
  /** Whether somebody waits for an approval. */
  readonly needsApproval: boolean;
  /** Whether something has ended or changed: the start of an operation and a new resource are our own doing. */
  readonly isNews: boolean;
}

/** What happens when we have asked for something. */
const BEGINNINGS: ReadonlySet<string> = new Set(["Start", "Create"]);

/** Releases of ours: `r-<commit>-<hash>`. */
const OURS = /^r-[0-9a-f]{12}-[0-9a-f]{8}$/;
/** Characters of an attribute's value (limits of Pub/Sub). */
const ATTRIBUTE_LENGTH_MAX = 1_024;

/**
 * Reads the attributes of a message of `clouddeploy-resources`, `-operations` or `-approvals`. Undefined for what is not about a
 * release of ours; INVALID_ARGUMENT for what no such topic sends.
 */
export function readDeployNotification(
  attributes: Readonly<Record<string, string>>,
  pipeline: string,
): DeployNotification | undefined {
  const value = (name: string): string => (Object.hasOwn(attributes, name) ? (attributes[name] ?? "") : "");
  const action = value("Action");
  if (action === "" || Object.values(attributes).some((each) => each.length > ATTRIBUTE_LENGTH_MAX))
    throw invalidArgument(
      "attributes.Action",
      "The message has no Action: nothing else comes from Cloud Deploy.",
    );
  const [release, rollout] = [value("ReleaseId"), value("RolloutId")];
  const named = value("DeliveryPipelineId");
  if (!OURS.test(release) || (named !== "" && named !== pipeline)) return undefined;
  return {
    release,
    ...(rollout === "" ? {} : { rollout }),
    needsApproval: action === "Required",
    isNews: !BEGINNINGS.has(action),
  };
}
