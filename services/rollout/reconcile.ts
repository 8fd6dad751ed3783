// Puts right what no fact will tell: moves that nobody recorded, workflows that died, backends that a restart has lost.
import type { RolloutServicePorts } from "./ports.ts";
import { recordTraffic } from "../../shared/runtime/record-traffic.ts";
import { revive, reviveCandidate } from "./releases.ts";
import { expireStandby, retireCold } from "./retire.ts";
import { takeTurn } from "./turns.ts";
import { ENDPOINTS } from "./view-names.ts";
import { watchExecution } from "./watch.ts";

/** Backends are looked at when the document has changed, and at least this often. */
export const BACKENDS_LOOK_MS = 15_000;

/** Endpoints read at once from the view, and most that are reconciled. */
const ENDPOINTS_PER_READ = 500;
const ENDPOINTS_MAX = 10_000;

/** All endpoints that are configured or have a traffic document. */
async function endpointsOf({ views, traffic }: RolloutServicePorts): Promise<readonly string[]> {
  const names = new Set(await traffic.list());
  let after: string | undefined;
  while (names.size < ENDPOINTS_MAX) {
    const query = { collection: ENDPOINTS, limit: ENDPOINTS_PER_READ };
    const page = await views.list(after === undefined ? query : { ...query, after });
    for (const { key } of page) names.add(key);
    after = page.at(-1)?.key;
    if (page.length < ENDPOINTS_PER_READ) break;
  }
  return [...names];
}

interface Seen {
  readonly resourceVersion: number;
  readonly atMs: number;
}

async function reconcileEndpoint(
  ports: RolloutServicePorts,
  endpoint: string,
  seen: Map<string, Seen>,
): Promise<void> {
  const { state, document } = await recordTraffic(ports, endpoint);
  await takeTurn(ports, endpoint, state);
  if (state.queue.running !== null) await watchExecution(ports, state.queue.running);
  await expireStandby(ports, endpoint, state, document);

  const { resourceVersion } = document;
  const atMs = ports.clock.now().getTime();
  const before = seen.get(endpoint);
  if (before?.resourceVersion === resourceVersion && atMs - before.atMs < BACKENDS_LOOK_MS) return;
  if (state.queue.running !== null) await reviveCandidate(ports, state.queue.running);
  await revive(ports, endpoint, document);
  await retireCold(ports, state, document);
  seen.set(endpoint, { resourceVersion, atMs });
}

/** A pass over all endpoints. One that fails is logged and tried again at the next pass; the others go on. */
export function createReconciler(ports: RolloutServicePorts): () => Promise<void> {
  const seen = new Map<string, Seen>();
  return async () => {
    for (const endpoint of await endpointsOf(ports)) {
      try {
        await reconcileEndpoint(ports, endpoint, seen);
      } catch (error) {
        ports.log.warn({ error, endpoint }, "An endpoint could not be reconciled; it is tried again.");
      }
    }
  };
}
