// Traffic documents that another process writes: the gateway of the emulated world must hear of what the API moves.
import type { LocalTraffic, TrafficListener } from "../../shared/adapters/local/traffic.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";

/** Between two looks at the documents. */
export const TRAFFIC_LOOK_EVERY_MS = 100;

/** The same documents; whoever listens also hears of changes that were made elsewhere, a moment later. */
export function watchTraffic(
  traffic: LocalTraffic,
  ports: { readonly clock: Clock; readonly log: Log },
): { readonly traffic: LocalTraffic; stop(): Promise<void> } {
  const listeners = new Set<TrafficListener>();
  const told = new Map<string, number>();
  const look = async (): Promise<void> => {
    for (const endpoint of await traffic.list()) {
      const document = await traffic.read(endpoint);
      if (document === undefined || document.resourceVersion <= (told.get(endpoint) ?? 0)) continue;
      told.set(endpoint, document.resourceVersion);
      for (const listener of listeners) listener(endpoint, document);
    }
  };
  const looking = repeat(ports, "traffic", TRAFFIC_LOOK_EVERY_MS, look);
  return {
    traffic: {
      ...traffic,
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    stop: () => looking.stop(),
  };
}
