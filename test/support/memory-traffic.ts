// The traffic port in memory: for tests in virtual time, which cannot wait for a disk. It passes the port's contract.
import { type TrafficDocument, withoutDrift } from "../../shared/domain/traffic.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";

/** Nobody may change what others read too. */
function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** Traffic documents in memory. */
export function createMemoryTraffic(): Traffic {
  const documents = new Map<string, TrafficDocument>();
  return {
    read: async (endpoint) => documents.get(endpoint),
    list: async () => [...documents.keys()].toSorted(),
    async write(endpoint, document) {
      const stored = documents.get(endpoint)?.resourceVersion ?? 0;
      if (stored !== document.resourceVersion) return { kind: "conflict" };
      const next = frozen(structuredClone({ ...withoutDrift(document), resourceVersion: stored + 1 }));
      documents.set(endpoint, next);
      return { kind: "written", document: next };
    },
  };
}
