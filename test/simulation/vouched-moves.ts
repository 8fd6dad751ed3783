// Who may say that a move gives traffic to somebody who answers: the process that was told so just before it sent the move.
// A backend may die between that answer and the write, or while the write is on its way; nobody can know of that.
import type { Deploys } from "../../shared/ports/deploys.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { SimulatedTime } from "./time.ts";

/** How old the answer may be when the move is sent: a pause or two between them. */
const ANSWER_AGE_MS_MAX = 1_000;

/** Moves that were sent on a fresh answer. */
export interface VouchedMoves {
  add(backend: string, epoch: number): void;
  has(backend: string, epoch: number): boolean;
}

/** No moves yet. */
export function createVouchedMoves(): VouchedMoves {
  const moves = new Set<string>();
  return {
    add: (backend, epoch) => void moves.add(`${epoch} ${backend}`),
    has: (backend, epoch) => moves.has(`${epoch} ${backend}`),
  };
}

/** The ports as one process sees them, which note on which answers it sends a move. */
export function vouching(
  { time, vouched }: { readonly time: SimulatedTime; readonly vouched: VouchedMoves },
  { deploys, traffic }: { readonly deploys: Deploys; readonly traffic: Traffic },
): { readonly deploys: Deploys; readonly traffic: Traffic } {
  /** Backends that said that they are ready, and when. */
  const ready = new Map<string, number>();
  const now = (): number => time.now().getTime();
  const fresh = (): readonly string[] =>
    [...ready].filter(([, at]) => now() - at <= ANSWER_AGE_MS_MAX).map(([backend]) => backend);
  return {
    deploys: {
      prepare: (request) => deploys.prepare(request),
      warm: (backend) => deploys.warm(backend),
      retire: (backend) => deploys.retire(backend),
      async status(backend, timeoutMs) {
        const status = await deploys.status(backend, timeoutMs);
        if (status.state === "ready") ready.set(backend, now());
        else ready.delete(backend);
        return status;
      },
    },
    traffic: {
      list: () => traffic.list(),
      async read(endpoint) {
        // The document is read between the answer and the move: however long that takes is not the answer's fault.
        const asked = fresh();
        const document = await traffic.read(endpoint);
        for (const backend of asked) if (ready.has(backend)) ready.set(backend, now());
        return document;
      },
      write(endpoint, document) {
        for (const backend of fresh()) vouched.add(backend, document.traffic.epoch);
        return traffic.write(endpoint, document);
      },
    },
  };
}
