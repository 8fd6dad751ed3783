// The yardstick of whatever waits for the disk: a small write that is synced, alone in its process.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tell } from "./best-of.ts";
import { figuresOf, ms } from "./figures.ts";

const WRITES = 300;
/** About what a commit of the ledger appends to its log. */
const BYTES = 12_288;

/** Measures synced writes where state folders of benches lie (`TMPDIR`), and says how long they take. */
export function tellDurableWrites(): void {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
  const file = openSync(join(folder, "log"), "w");
  const bytes = Buffer.alloc(BYTES, "x");
  const times: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const begun = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    times.push(performance.now() - begun);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  const { p50, p99 } = figuresOf(times);
  tell("yardstick: one synced write of 12 KB, p50 and p99", `${ms(p50)}, ${ms(p99)}`);
}
