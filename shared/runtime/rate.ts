// Rates by name: who calls more often than this is told when to come back (a token bucket each).
import type { Clock } from "../ports/clock.ts";

/** Names whose rate is remembered at one time; of more, the one that was quiet longest is forgotten. */
export const RATES_REMEMBERED_MAX = 10_000;

/** What one name may do. */
export interface Rate {
  /** Calls a second, for as long as they like. */
  readonly perSecond: number;
  /** Calls at once after a quiet time. */
  readonly burst: number;
}

/** Takes one call from this name's allowance; answers 0, or the seconds after which there is room again. */
export type Spend = (name: string) => number;

/** Allowances that are full at the start and fill again with time. */
export function createRates(clock: Clock, { perSecond, burst }: Rate): Spend {
  const known = new Map<string, { readonly left: number; readonly at: number }>();
  return (name) => {
    const now = clock.now().getTime();
    const before = known.get(name) ?? { left: burst, at: now };
    // A clock that runs backwards gives nothing and takes nothing.
    const left = Math.min(burst, before.left + (Math.max(0, now - before.at) / 1_000) * perSecond);
    const allowed = left >= 1;
    // Put in again: a map keeps the order in which its keys came, so the first is the one that was quiet longest.
    known.delete(name);
    known.set(name, { left: allowed ? left - 1 : left, at: now });
    const [oldest] = known.keys();
    if (known.size > RATES_REMEMBERED_MAX && oldest !== undefined) known.delete(oldest);
    return allowed ? 0 : (1 - left) / perSecond;
  };
}
