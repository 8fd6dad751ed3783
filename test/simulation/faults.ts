// Which fault meets which call of a port: drawn from the seed, call by call, until the world is healed.
import type { Random } from "../../shared/domain/random.ts";

/** Longest pause of one call, as of a process that the host does not schedule. */
export const PAUSE_MS = 400;
/** How late a delayed call arrives: after the time limit of every handler, when its caller has given it up. */
export const DELAY_MS = { min: 55_000, max: 80_000 } as const;
/** How far the clock of one host is off. */
const SKEW_MS_MAX = 5 * 60_000;

/** Chance per call of each fault at roughness 1. */
const CHANCES = {
  "drop-request": 0.006,
  "drop-reply": 0.006,
  pause: 0.008,
  delay: 0.0006,
  stale: 0.01,
  crash: 0.0012,
} as const;
const FAULTS = Object.entries(CHANCES);
/** Chance per call of any fault at roughness 1. */
const ANY_CHANCE = FAULTS.reduce((sum, [, chance]) => sum + chance, 0);
/** Calls that are rarer or matter more meet faults more often by this factor. */
const BUSIER: Readonly<Record<string, number>> = {
  "traffic.write": 12,
  "builds.start": 10,
  "deploys.prepare": 10,
  "executions.start": 10,
  "cluster.submit": 10,
  "ledger.append": 3,
  "builds.status": 12,
};
/** Answers that may be old news: a status that is asked for again and again. */
const MAY_BE_STALE: ReadonlySet<string> = new Set([
  "builds.status",
  "cluster.status",
  "executions.get",
  "executions.find",
]);
/** Chance that a service cannot handle one fact at all, for a reason that goes away. */
const POISON_CHANCE = 0.006;

/** Share of the chances that is left in the hours of an outage. */
const EASED = 0.05;

/** What happens to one call. `down`: its port cannot be reached for a while. `stale`: it gets an earlier answer. */
export type Fault =
  | "none"
  | "down"
  | "drop-request"
  | "drop-reply"
  | "pause"
  | "delay"
  | "stale"
  | "crash-before"
  | "crash-after";

/** A source of faults. */
export interface Faults {
  /** The fault that meets a call of `port.method`. */
  meets(point: string): Fault;
  /** How late a delayed call arrives. */
  delayMs(): number;
  /** How far the clock of a new process is off; 0 is right. */
  skewMs(): number;
  /** Whether a service refuses a fact for good. */
  poisons(): boolean;
  /** Takes a whole port away, or gives it back. */
  setDown(port: string, down: boolean): void;
  /** Whether any port is away. */
  anyDown(): boolean;
  /** Faults become rare: an outage of hours needs them to go on, not to fill it. */
  ease(): void;
  /** No more faults from now on. */
  heal(): void;
  healed(): boolean;
}

/** Faults from a seed. `roughness` scales all chances; 0 is calm. */
export function createFaults(random: Random, roughness: number): Faults {
  const down = new Set<string>();
  let healed = false;
  let share = 1;
  const draw = (point: string): Fault => {
    const factor = roughness * share * (BUSIER[point] ?? 1);
    let drawn = random.uniform();
    if (drawn > ANY_CHANCE * factor) return "none";
    for (const [fault, chance] of FAULTS) {
      if (drawn < chance * factor) {
        if (fault === "crash") return random.uniform() < 0.5 ? "crash-before" : "crash-after";
        return fault as Fault;
      }
      drawn -= chance * factor;
    }
    return "none";
  };
  return {
    meets(point) {
      if (healed) return "none";
      if (down.has(point.slice(0, point.indexOf(".")))) return "down";
      if (roughness === 0) return "none";
      const fault = draw(point);
      if (fault === "stale" && !MAY_BE_STALE.has(point)) return "none";
      // A write of the database that was refused did not happen: that is its law, and the journal stands on it.
      if (fault === "drop-reply" && point === "journal.write") return "drop-request";
      return fault;
    },
    delayMs: () => DELAY_MS.min + random.uniform() * (DELAY_MS.max - DELAY_MS.min),
    skewMs() {
      if (healed || roughness === 0 || random.uniform() > 0.15 * roughness) return 0;
      return Math.round((random.uniform() - 0.5) * 2 * SKEW_MS_MAX);
    },
    poisons: () => !healed && roughness > 0 && random.uniform() < POISON_CHANCE * roughness * share,
    setDown: (port, isDown) => void (isDown ? down.add(port) : down.delete(port)),
    anyDown: () => down.size > 0,
    ease: () => void (share = EASED),
    heal() {
      healed = true;
      down.clear();
    },
    healed: () => healed,
  };
}
