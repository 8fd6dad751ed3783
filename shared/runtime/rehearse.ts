// `validateOnly` (AIP-163): the same code, the same checks and the same answer, over ports that keep every change to themselves.
// Nothing is decided a second time for it, so it cannot say something else than the call would.
import type { AnyFact } from "../domain/fact.ts";
import type { Batch, Ledger, RecordedDecision } from "../ports/ledger.ts";
import type { Traffic } from "../ports/traffic.ts";
import type { RecordPorts } from "./record.ts";
import { rehearseTraffic } from "./rehearse-traffic.ts";

interface Added {
  readonly facts: readonly AnyFact[];
  readonly decisions: ReadonlyMap<string, RecordedDecision>;
  readonly version: number;
}

function withBatch(added: Added | undefined, batch: Batch): Added {
  const { stream, cause, inputHash, facts, ignored, time } = batch;
  const decision = { stream, cause, inputHash, facts, time, ...(ignored === undefined ? {} : { ignored }) };
  return {
    facts: [...(added?.facts ?? []), ...facts],
    decisions: new Map([...(added?.decisions ?? []), [cause, decision]]),
    version: batch.expected + Math.max(1, facts.length),
  };
}

/** A ledger over `ledger` that appends nothing there. Lists tell what is really there. Made for one request. */
export function rehearseLedger(ledger: Ledger): Ledger {
  const streams = new Map<string, Added>();
  const read: Ledger["read"] = async (stream, afterVersion = 0) => {
    const known = await ledger.read(stream, afterVersion);
    const added = streams.get(stream);
    if (added === undefined) return known;
    const facts = added.facts.filter(({ version }) => version > afterVersion);
    return { version: added.version, facts: [...known.facts, ...facts] };
  };
  const decision: Ledger["decision"] = async (stream, cause) =>
    streams.get(stream)?.decisions.get(cause) ?? ledger.decision(stream, cause);
  return {
    read,
    decision,
    list: (query) => ledger.list(query),
    // What is really there is a good beginning of a fold here, too; what is only rehearsed is never kept.
    snapshot: (stream, fold) => ledger.snapshot(stream, fold),
    keepSnapshot: async () => {},
    async append(batch) {
      const { stream, cause, expected } = batch;
      const decided = await ledger.decision(stream, cause);
      const there = await ledger.read(stream, expected);
      // Nothing is awaited from here on: of racing writers one wins.
      const added = streams.get(stream);
      if ((added?.decisions.get(cause) ?? decided) !== undefined) return "decided";
      if ((added?.version ?? there.version) !== expected) return "moved";
      streams.set(stream, withBatch(added, batch));
      return "appended";
    },
  };
}

/** The ports for one request: as they are, or for a request that only validates, without a way to change anything. */
export function portsFor<Ports extends RecordPorts & { readonly traffic?: Traffic }>(
  ports: Ports,
  validateOnly: boolean | undefined,
): Ports {
  if (validateOnly !== true) return ports;
  const { ledger, traffic } = ports;
  return {
    ...ports,
    ledger: rehearseLedger(ledger),
    announce: async () => {},
    ...(traffic === undefined ? {} : { traffic: rehearseTraffic(traffic) }),
  };
}
