// What a verified delivery of the code host asks for: read by its event, and received once.
import type { Static, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
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

type Reader = (event: string, payload: unknown, bodyHash: string) => DeliveryReading;

/** Reads payloads of this shape. The check is compiled when the first one comes: it is then eighty times as fast (1.5 µs, not 130). */
function reader<Schema extends TSchema>(
  schema: Schema,
  read: (payload: Static<Schema>, bodyHash: string, event: string) => DeliveryReading,
): Reader {
  let compiled: Pick<Validator, "Check"> | undefined;
  return (event, payload, bodyHash) => {
    compiled ??= Compile(schema);
    return compiled.Check(payload)
      ? read(payload as Static<Schema>, bodyHash, event)
      : refused(event, schema, payload);
  };
}

const readInstallations = reader(InstallationPayload, (payload, bodyHash, event) =>
  readInstallation(event, payload, bodyHash),
);

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["check_run", reader(CheckRunPayload, readCheckRun)],
  ["check_suite", reader(CheckSuitePayload, readCheckSuite)],
  ["installation", readInstallations],
  ["installation_repositories", readInstallations],
  ["merge_group", reader(MergeGroupPayload, readMergeGroup)],
  ["ping", () => skipped("a ping asks for nothing")],
  ["pull_request", reader(PullRequestPayload, readPullRequest)],
  ["pull_request_review", reader(ReviewPayload, readReview)],
  ["push", reader(PushPayload, readPush)],
]);

/** Events that are read; every other is recorded and ignored. */
export const TAKEN_EVENTS: ReadonlySet<string> = new Set(READERS.keys());

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
  return READERS.get(event)?.(event, payload, bodyHash) ?? skipped(`${event} events are not acted on`);
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
