// The loop that brings warm-ups to their end. It asks the traffic documents alone, so that it goes on while the ledger is down.
import { createLanes } from "../../shared/runtime/lanes.ts";
import { driveWarmUp } from "../../shared/runtime/warm-up.ts";
import type { RolloutServicePorts } from "./ports.ts";
import { prepareVersion } from "./releases.ts";

/** Endpoints that are warmed at the same time. */
export const WARM_UPS_AT_ONCE_MAX = 32;

/** A look at every endpoint. It does not wait for slow ones, unless it is told to: each has a lane of its own. */
export function createWarmUps(
  ports: Pick<RolloutServicePorts, "traffic" | "deploys" | "clock" | "log" | "ledger">,
  { waits = false }: { readonly waits?: boolean } = {},
): () => Promise<void> {
  const lanes = createLanes(WARM_UPS_AT_ONCE_MAX);
  const drive = async (endpoint: string): Promise<void> => {
    try {
      const prepareAgain = (name: string, version: string) => prepareVersion(ports, name, version);
      await driveWarmUp({ ...ports, prepareAgain }, endpoint);
    } catch (error) {
      ports.log.warn({ error, endpoint }, "A version could not be warmed; it is tried again.");
    }
  };
  return async () => {
    for (const endpoint of await ports.traffic.list()) lanes.start(endpoint, () => drive(endpoint));
    if (waits) await lanes.idle();
  };
}
