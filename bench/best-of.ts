// Timing on a machine that others use too: the best of several runs is the one that was disturbed least.

/** Milliseconds that this process has worked: what others do on the machine hardly counts. */
export const cpuMs = (): number => process.cpuUsage().user / 1_000;

/** The best time of one run in milliseconds by the clock `now`, after `warmups` runs that do not count. */
export function bestOf(
  runs: number,
  warmups: number,
  work: () => void,
  now: () => number = () => performance.now(),
): number {
  for (let run = 0; run < warmups; run++) work();
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const begin = now();
    work();
    best = Math.min(best, now() - begin);
  }
  return best;
}

/** A whole number with separators. */
export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");

/** One line of a report: what, the figure, its goal. */
export function tell(what: string, figure: string, goal = ""): void {
  console.log(`${what.padEnd(56)} ${figure}${goal === "" ? "" : `   (goal: ${goal})`}`);
}
