// Puts right what no fact will tell: moves that nobody recorded, workflows that died, backends that a restart has lost.
import type { RolloutServicePorts } from "./ports.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import { recordTraffic } from "../../shared/runtime/record-traffic.ts";
import { revive, reviveCandidate } from "./releases.ts";
import { expireStandby, retireCold } from "./retire.ts";
import { takeTurn } from "./turns.ts";
import { createVerifier } from "./verify.ts";
import { ENDPOINTS } from "./view-names.ts";
import { watchExecution } from "./watch.ts";

/** Backends are looked at when the document has changed, and at least this often. */
export const BACKENDS_LOOK_MS = 15_000;

/** How long the pass over one endpoint may take before the others go on without it. */
export const ENDPOINT_TIME_MAX_MS = 20_000;

/** Passes over one endpoint that may hang at the same time. */
export const UNENDED_PASSES_MAX = 3;

/** Endpoints read at once from the view, and most that are reconciled. */
const ENDPOINTS_PER_READ = 500;
/** Endpoints that one pass looks at. */
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
  verify: ReturnType<typeof createVerifier>,
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
  // Last: whoever cannot be asked for counters keeps nothing else from being put right.
  await verify(endpoint, document);
}

/**
 * A pass over all endpoints. One that fails, or takes longer than `ENDPOINT_TIME_MAX_MS`, is logged and tried again at a later
 * pass; the others go on. One whose earlier passes never ended is left alone until one of them does.
 */
export function createReconciler(ports: RolloutServicePorts): () => Promise<void> {
  const seen = new Map<string, Seen>();
  const verify = createVerifier(ports);
  const unended = new Map<string, number>();
  const work = async (endpoint: string): Promise<void> => {
    unended.set(endpoint, (unended.get(endpoint) ?? 0) + 1);
    try {
      await reconcileEndpoint(ports, endpoint, seen, verify);
    } finally {
      const left = (unended.get(endpoint) ?? 1) - 1;
      if (left === 0) unended.delete(endpoint);
      else unended.set(endpoint, left);
    }
  };
  return async () => {
    for (const endpoint of await endpointsOf(ports)) {
      if ((unended.get(endpoint) ?? 0) >= UNENDED_PASSES_MAX) continue;
      try {
        const what = `Reconciling ${endpoint}`;
        await withDeadline(ports.clock, ENDPOINT_TIME_MAX_MS, what, () => work(endpoint));
      } catch (error) {
        ports.log.warn({ error, endpoint }, "An endpoint could not be reconciled; it is tried again.");
      }
    }
  };
}
