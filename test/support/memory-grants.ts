// Grants in memory, for tests of what stands on them. It keeps the law of the port (test/adapters/memory-grants.test.ts).
import type { Grant, Grants } from "../../shared/ports/grants.ts";

/** An empty store. */
export function createMemoryGrants(): Grants {
  const kept = new Map<string, Grant>();
  return {
    put: async (key, grant) => void kept.set(key, grant),
    get: async (key) => kept.get(key),
    async take(key) {
      const grant = kept.get(key);
      kept.delete(key);
      return grant;
    },
    list: async () => [...kept].map(([key, grant]) => ({ key, grant })),
  };
}
