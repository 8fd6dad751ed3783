// Waiting for a condition with a deadline, never for a time.
import { setTimeout as wait } from "node:timers/promises";

const POLL_MS = 15;

/** Polls until the answer is not undefined; fails with the given words when it takes too long. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
  timeoutMs = 60_000,
): Promise<Value> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`);
    await wait(POLL_MS);
  }
}
