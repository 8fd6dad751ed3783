// The traffic port in memory: for tests in virtual time, which cannot wait for a disk. It passes the port's contract.
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";

/** Traffic documents in memory. */
export function createMemoryTraffic(): Traffic {
  const documents = new Map<string, TrafficDocument>();
  return {
    read: async (endpoint) => structuredClone(documents.get(endpoint)),
    list: async () => [...documents.keys()].toSorted(),
    async write(endpoint, document) {
      const stored = documents.get(endpoint)?.resourceVersion ?? 0;
      if (stored !== document.resourceVersion) return { kind: "conflict" };
      const next = structuredClone({ ...document, resourceVersion: stored + 1 });
      documents.set(endpoint, next);
      return { kind: "written", document: structuredClone(next) };
    },
  };
}
