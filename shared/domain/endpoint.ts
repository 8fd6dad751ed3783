// Decider of one endpoint: who owns it, whose rollout runs, whether it is held, and which traffic moves are on record.
import canonicalize from "canonicalize";
import { type Decider, type Decision, happens, ignored } from "./decider.ts";
import { type Epochs, NO_EPOCHS, onRecord, withEpoch, withGap } from "./endpoint-epochs.ts";
import { joined, left, type QueueChange, released, type RolloutQueue } from "./endpoint-queue.ts";
import { ControlPlaneError } from "./errors.ts";
import type { Draft, FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";
import { compareMergeOrder } from "./merge-order.ts";
import { DRAIN_MS, later } from "./rollout-ends.ts";

/** Facts of an endpoint's stream. */
export type EndpointFactType =
  | "endpoint.configured"
  | "endpoint.held"
  | "endpoint.resumed"
  | "endpoint.queue-changed"
  | "traffic.moved"
  | "traffic.history-gap";

/** An endpoint as it stands on record; the traffic document knows earlier, and alone, where requests go. */
export interface EndpointState {
  readonly settings?: FactData<"endpoint.configured">;
  readonly hold?: {
    readonly reason: string;
    /** Version of the fact that holds it: identifies the hold. */
    readonly version: number;
  };
  readonly queue: RolloutQueue;
  readonly epochs: Epochs;
}

/** What can happen to an endpoint. */
export type EndpointInput =
  | { readonly kind: "configure"; readonly settings: FactData<"endpoint.configured"> }
  | { readonly kind: "rollout-queued"; readonly rollout: string; readonly replaces?: boolean }
  | { readonly kind: "rollout-ended"; readonly rollout: string }
  | { readonly kind: "hold"; readonly reason: string; readonly epoch?: number }
  | { readonly kind: "resume"; readonly reason: string }
  | { readonly kind: "observe-move"; readonly move: FactData<"traffic.moved"> };

type Answer = Decision<EndpointFactType>;

const initial: EndpointState = { queue: { running: null, waiting: [] }, epochs: NO_EPOCHS };

function configure({ settings: known }: EndpointState, settings: FactData<"endpoint.configured">): Answer {
  if (known !== undefined && known.repository !== settings.repository) {
    throw new ControlPlaneError(
      "ALREADY_EXISTS",
      `This endpoint belongs to the repository ${known.repository}: give the endpoint in ${settings.repository} another name.`,
      { reason: "ENDPOINT_OWNED_ELSEWHERE", field: "endpoints.name", metadata: { owner: known.repository } },
    );
  }
  if (compareMergeOrder(settings, known) === "older")
    return ignored("a newer merge has configured this endpoint");
  return canonicalize(known) === canonicalize(settings)
    ? ignored("the configuration is the same")
    : happens<EndpointFactType>([{ type: "endpoint.configured", data: settings }]);
}

function queueChanged(change: QueueChange | undefined, otherwise: string): Answer {
  return change === undefined
    ? ignored(otherwise)
    : happens<EndpointFactType>([{ type: "endpoint.queue-changed", data: asData(change) }]);
}

const asData = ({ queue, dropped }: QueueChange): FactData<"endpoint.queue-changed"> => ({
  running: queue.running,
  waiting: [...queue.waiting],
  ...(queue.replacing === undefined ? {} : { replacing: queue.replacing }),
  ...(dropped.length === 0 ? {} : { dropped: [...dropped] }),
});

const withoutDrops = (queue: RolloutQueue | undefined): QueueChange | undefined =>
  queue === undefined ? undefined : { queue, dropped: [] };

function resume(state: EndpointState, reason: string): Answer {
  if (state.hold === undefined) return ignored("the endpoint is not held");
  const facts: Draft<EndpointFactType>[] = [{ type: "endpoint.resumed", data: { reason } }];
  const queue = released(state.queue);
  if (queue !== undefined)
    facts.push({ type: "endpoint.queue-changed", data: asData({ queue, dropped: [] }) });
  return happens(facts);
}

/** A move in the traffic document has happened, so it is recorded unless it is on record; missing epochs are said aloud. */
function observeMove({ epochs }: EndpointState, move: FactData<"traffic.moved">): Answer {
  if (onRecord(epochs, move.epoch)) return ignored(`epoch ${move.epoch} is on record`);
  const facts: Draft<EndpointFactType>[] = [{ type: "traffic.moved", data: move }];
  if (move.epoch > epochs.last + 1) {
    facts.unshift({
      type: "traffic.history-gap",
      data: { afterEpoch: epochs.last, beforeEpoch: move.epoch },
    });
  }
  return happens(facts, [{ name: "drain", time: later(move.movedAt, DRAIN_MS) }]);
}

function decide(state: EndpointState, input: EndpointInput): Answer {
  const held = state.hold !== undefined;
  switch (input.kind) {
    case "configure":
      return configure(state, input.settings);
    case "rollout-queued":
      return queueChanged(
        joined(state.queue, input.rollout, { held, replaces: input.replaces ?? false }),
        "this rollout is in the queue already",
      );
    case "rollout-ended":
      return queueChanged(
        withoutDrops(left(state.queue, input.rollout, held)),
        "this rollout is not in the queue",
      );
    case "hold": {
      if (held) return ignored("the endpoint is held already");
      const { reason, epoch } = input;
      return happens<EndpointFactType>([
        { type: "endpoint.held", data: { reason, ...(epoch === undefined ? {} : { epoch }) } },
      ]);
    }
    case "resume":
      return resume(state, input.reason);
    case "observe-move":
      return observeMove(state, input.move);
  }
}

function evolve(state: EndpointState, fact: FactOf<EndpointFactType>): EndpointState {
  switch (fact.type) {
    case "endpoint.configured":
      return { ...state, settings: fact.data };
    case "endpoint.held":
      return { ...state, hold: { reason: fact.data.reason, version: fact.version } };
    case "endpoint.resumed": {
      const { hold: _, ...rest } = state;
      return rest;
    }
    case "endpoint.queue-changed": {
      const { dropped: _, ...queue } = fact.data;
      return { ...state, queue };
    }
    case "traffic.moved":
      return { ...state, epochs: withEpoch(state.epochs, fact.data.epoch) };
    case "traffic.history-gap":
      return { ...state, epochs: withGap(state.epochs, fact.data.afterEpoch, fact.data.beforeEpoch) };
  }
}

/** The rule of one endpoint. */
export const endpoint: Decider<EndpointState, EndpointInput, EndpointFactType> = {
  initial,
  decide,
  evolve,
  // Plain JSON as it is.
  snapshots: {
    name: "endpoint",
    schema: 1,
    freeze: (state) => state,
    thaw: (kept) => kept as EndpointState,
  },
};
