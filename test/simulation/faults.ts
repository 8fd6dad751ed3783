// Which fault meets which call of a port: drawn from the seed, call by call, until the world is healed.
import type { Random } from "../../shared/domain/random.ts";

/** Longest pause of one call, as of a process that the host does not schedule. */
export const PAUSE_MS = 400;
/** Chance per call of each fault in a rough history. A calm one takes a share of it. */
const CHANCES = { dropRequest: 0.004, dropReply: 0.004, pause: 0.006, crash: 0.0006 } as const;
/** Calls that are rarer or matter more meet faults more often by this factor. */
const BUSIER: Readonly<Record<string, number>> = {
  "traffic.write": 12,
  "builds.start": 10,
  "deploys.prepare": 10,
  "executions.start": 10,
  "ledger.append": 3,
};

/** What happens to one call. `down`: its port cannot be reached for a while. */
export type Fault =
  | "none"
  | "down"
  | "drop-request"
  | "drop-reply"
  | "pause"
  | "crash-before"
  | "crash-after";

/** A source of faults. */
export interface Faults {
  /** The fault that meets a call of `port.method`. */
  meets(point: string): Fault;
  /** Takes a whole port away, or gives it back. */
  setDown(port: string, down: boolean): void;
  /** No more faults from now on. */
  heal(): void;
  healed(): boolean;
}

/** Faults from a seed. `roughness` 0 to 1 scales all chances. */
export function createFaults(random: Random, roughness: number): Faults {
  const down = new Set<string>();
  let healed = false;
  return {
    meets(point) {
      if (healed) return "none";
      if (down.has(point.slice(0, point.indexOf(".")))) return "down";
      const factor = roughness * (BUSIER[point] ?? 1);
      let drawn = random.uniform();
      const falls = (chance: number): boolean => {
        const fell = drawn < chance * factor;
        drawn -= chance * factor;
        return fell;
      };
      if (falls(CHANCES.dropRequest)) return "drop-request";
      // A write of the database that was refused did not happen: that is its law, and the journal stands on it.
      if (falls(CHANCES.dropReply)) return point === "journal.write" ? "drop-request" : "drop-reply";
      if (falls(CHANCES.pause)) return "pause";
      if (falls(CHANCES.crash)) return random.uniform() < 0.5 ? "crash-before" : "crash-after";
      return "none";
    },
    setDown: (port, isDown) => void (isDown ? down.add(port) : down.delete(port)),
    heal() {
      healed = true;
      down.clear();
    },
    healed: () => healed,
  };
}
