// What happened in one simulated history, line by line in virtual time, with a digest that two runs of a seed share.
import { createHash } from "node:crypto";

/** Lines kept of one history; a run that makes more of them spins. */
export const HISTORY_LINES_MAX = 200_000;

/** The history of one seed. */
export interface History {
  readonly lines: readonly string[];
  /** Adds a line at the present virtual time. */
  add(who: string, what: string): void;
  /** `sha256` of all lines, in hexadecimal. */
  digest(): string;
  /** Notes that an interesting state was reached. */
  mark(state: string): void;
  readonly marks: ReadonlySet<string>;
}

/** An empty history over a clock. */
export function createHistory(now: () => Date): History {
  const start = now().getTime();
  const lines: string[] = [];
  const marks = new Set<string>();
  return {
    lines,
    marks,
    mark: (state) => void marks.add(state),
    add(who, what) {
      if (lines.length >= HISTORY_LINES_MAX)
        throw new Error(`The history has ${HISTORY_LINES_MAX} lines: something spins.`);
      const seconds = ((now().getTime() - start) / 1_000).toFixed(3).padStart(9);
      lines.push(`${seconds} ${who.padEnd(10)} ${what}`);
    },
    digest: () => createHash("sha256").update(lines.join("\n")).digest("hex"),
  };
}
