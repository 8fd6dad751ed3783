// Traffic as it would be: reads what is there, and keeps what is written to itself. Apart from the ledger's, because a rollback
// must not know the ledger.
import { type TrafficDocument, withoutDrift } from "../domain/traffic.ts";
import type { Traffic } from "../ports/traffic.ts";

/** A port over `traffic` that writes nothing there. Made for one request. */
export function rehearseTraffic(traffic: Traffic): Traffic {
  const written = new Map<string, TrafficDocument>();
  const read = async (endpoint: string): Promise<TrafficDocument | undefined> =>
    written.get(endpoint) ?? traffic.read(endpoint);
  return {
    read,
    list: async () => [...new Set([...(await traffic.list()), ...written.keys()])].toSorted(),
    async write(endpoint, document) {
      const there = await traffic.read(endpoint);
      // Nothing is awaited from here on: of racing writers one wins.
      const stored = (written.get(endpoint) ?? there)?.resourceVersion ?? 0;
      if (stored !== document.resourceVersion) return { kind: "conflict" };
      const next = { ...withoutDrift(document), resourceVersion: stored + 1 };
      written.set(endpoint, next);
      return { kind: "written", document: next };
    },
  };
}
