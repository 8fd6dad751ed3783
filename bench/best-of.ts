// Timing on a machine that others use too: the best of several runs is the one that was disturbed least.

/** The best time of one run in milliseconds, after `warmups` runs that do not count. */
export function bestOf(runs: number, warmups: number, work: () => void): number {
  for (let run = 0; run < warmups; run++) work();
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    work();
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

/** A whole number with separators. */
export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");

/** One line of a report: what, the figure, its goal. */
export function tell(what: string, figure: string, goal = ""): void {
  console.log(`${what.padEnd(56)} ${figure}${goal === "" ? "" : `   (goal: ${goal})`}`);
}
