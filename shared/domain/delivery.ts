// What a verified delivery of the code host asks for: read by its event, and received once.
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { type Decider, happens, ignored } from "./decider.ts";
import {
  CheckRunPayload,
  CheckSuitePayload,
  InstallationPayload,
  MergeGroupPayload,
  PullRequestPayload,
  PushPayload,
  ReviewPayload,
} from "./delivery-payloads.ts";
import {
  type DeliveryReading,
  readCheckRun,
  readCheckSuite,
  readInstallation,
  readMergeGroup,
  readPullRequest,
  readPush,
  readReview,
  skipped,
} from "./delivery-reading.ts";
import { shortHash } from "./fact.ts";

export type { DeliveryReading } from "./delivery-reading.ts";

/** Events that are read; every other is recorded and ignored. */
export const TAKEN_EVENTS: ReadonlySet<string> = new Set([
  "check_run",
  "check_suite",
  "installation",
  "installation_repositories",
  "merge_group",
  "ping",
  "pull_request",
  "pull_request_review",
  "push",
]);

function refused(event: string, schema: TSchema, payload: unknown): DeliveryReading {
  const [error] = Value.Errors(schema, payload);
  const where = error?.instancePath.slice(1).replaceAll("/", ".") || "body";
  return {
    kind: "refused",
    reason: `the body is not that of a ${event} event: ${where} ${error?.message ?? "is wrong"}`,
  };
}

/** Reads a parsed payload as the event that its header names. Signed content of another event is refused by its shape. */
export function readDelivery(event: string, payload: unknown, bodyHash: string): DeliveryReading {
  switch (event) {
    case "ping":
      return skipped("a ping asks for nothing");
    case "pull_request":
      return Value.Check(PullRequestPayload, payload)
        ? readPullRequest(payload, bodyHash)
        : refused(event, PullRequestPayload, payload);
    case "push":
      return Value.Check(PushPayload, payload)
        ? readPush(payload, bodyHash)
        : refused(event, PushPayload, payload);
    case "pull_request_review":
      return Value.Check(ReviewPayload, payload)
        ? readReview(payload, bodyHash)
        : refused(event, ReviewPayload, payload);
    case "check_run":
      return Value.Check(CheckRunPayload, payload)
        ? readCheckRun(payload, bodyHash)
        : refused(event, CheckRunPayload, payload);
    case "check_suite":
      return Value.Check(CheckSuitePayload, payload)
        ? readCheckSuite(payload, bodyHash)
        : refused(event, CheckSuitePayload, payload);
    case "merge_group":
      return Value.Check(MergeGroupPayload, payload)
        ? readMergeGroup(payload, bodyHash)
        : refused(event, MergeGroupPayload, payload);
    case "installation":
    case "installation_repositories":
      return Value.Check(InstallationPayload, payload)
        ? readInstallation(event, payload, bodyHash)
        : refused(event, InstallationPayload, payload);
    default:
      return skipped(`${event} events are not acted on`);
  }
}

/** A trace that everything which follows from a delivery is part of; derived, so that a retry continues it. */
export function deliveryTrace(guid: string): string {
  const id = shortHash("delivery", guid) + shortHash("trace", guid) + shortHash("id", guid);
  return `00-${id.slice(0, 32)}-${shortHash("span", guid).padEnd(16, "0")}-01`;
}

/** Whether the delivery was recorded. */
export interface DeliveryState {
  readonly received: boolean;
}

/** The rule of one delivery: it is received once, or ignored with the reason that reading it gave. */
export const delivery: Decider<DeliveryState, DeliveryReading, "delivery.received"> = {
  initial: { received: false },
  decide: (state, reading) => {
    if (state.received) return ignored("this delivery was received already");
    if (reading.kind !== "accepted") return ignored(reading.reason);
    return happens([{ type: "delivery.received", data: reading.data }]);
  },
  evolve: () => ({ received: true }),
};
