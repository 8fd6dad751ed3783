// One life of a model server: from its start over its readiness to its end.
import type { Clock } from "../../ports/clock.ts";
import type { BackendStatus } from "../../ports/deploys.ts";
import { boundLog, endProcess, logTail, type Running } from "./deploys-process.ts";
import { probe } from "./deploys-probe.ts";

/** How patient deploys are; tests are less so. */
export interface DeployLimits {
  /** From the start of a process to its first readiness; also how long one may be unready before it is started again. */
  readonly readyTimeoutMs: number;
  readonly readyPollMs: number;
  /** Between two looks at a ready server. */
  readonly healthPollMs: number;
  /** How long a server may take to say that it is ready. Long: a busy server must not lose its traffic for being busy. */
  readonly healthTimeoutMs: number;
  /** Looks without a good answer after which a running server is unready. */
  readonly missesMax: number;
  /** Starts after an end, one after the other, before it is given up. */
  readonly restartsMax: number;
  /** Pause before the first restart; doubled for each further one, up to `restartPauseMsMax`. */
  readonly restartPauseMs: number;
  readonly restartPauseMsMax: number;
  /** A server that was ready for this long starts its count of restarts anew. */
  readonly stableMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
  /** How long `retire` waits for requests in flight. */
  readonly drainTimeoutMs: number;
}

/** What users get. */
export const DEPLOY_LIMITS: DeployLimits = {
  readyTimeoutMs: 60_000,
  readyPollMs: 50,
  healthPollMs: 1_000,
  healthTimeoutMs: 5_000,
  missesMax: 2,
  restartsMax: 5,
  restartPauseMs: 200,
  restartPauseMsMax: 10_000,
  stableMs: 60_000,
  stopGraceMs: 5_000,
  drainTimeoutMs: 30_000,
};

/** What a life is lived with. */
export interface LifeParts {
  readonly clock: Clock;
  readonly limits: DeployLimits;
  readonly log: string;
  readonly readiness: string;
  readonly origin: string;
  /** Nobody looks after this server any more; it runs on. */
  readonly stop: AbortSignal;
  readonly state: () => BackendStatus["state"];
  readonly become: (state: BackendStatus["state"], message: string) => void;
}

/** How a life ended. */
export interface Life {
  readonly message: string;
  /** No restart helps. */
  readonly final: boolean;
  readonly servedMs: number;
}

/** Looks until the server is ready; answers why it is not. */
async function untilReady(
  { clock, limits, origin, readiness }: LifeParts,
  over: AbortSignal,
): Promise<"ready" | "late" | "over"> {
  const begun = clock.now().getTime();
  while (!over.aborted) {
    if ((await probe(origin, readiness, limits.healthTimeoutMs)) === "ready" && !over.aborted) return "ready";
    if (clock.now().getTime() - begun >= limits.readyTimeoutMs) return "late";
    await clock.sleep(limits.readyPollMs, over);
  }
  return "over";
}

/** Looks at a server that has been ready, until it ends or has been unready for too long. */
async function whileServing(parts: LifeParts, over: AbortSignal): Promise<"late" | "over"> {
  const { clock, limits, become } = parts;
  let misses = 0;
  let goodAt = clock.now().getTime();
  for (;;) {
    await clock.sleep(limits.healthPollMs, over);
    const answer = over.aborted
      ? undefined
      : await probe(parts.origin, parts.readiness, limits.healthTimeoutMs);
    if (over.aborted || answer === undefined) return "over";
    await boundLog(parts.log);
    misses = answer === "ready" ? 0 : misses + 1;
    const now = clock.now().getTime();
    if (misses === 0) goodAt = now;
    if (misses === 0 && parts.state() === "unready") become("ready", "It is ready again.");
    if (misses >= limits.missesMax) become("unready", `It runs and its readiness is: ${answer}.`);
    if (now - goodAt >= limits.readyTimeoutMs) return "late";
  }
}

/**
 * Looks after a server that runs. Its end makes a server that was ready `unready` at once. One that never becomes ready within
 * the limit is ended for good; one that stays unready for as long is ended to be started again.
 */
export async function live(parts: LifeParts, running: Running): Promise<Life> {
  const { clock, limits, stop, become } = parts;
  const ended = new AbortController();
  void running.ended.then(() => {
    ended.abort();
    if (!stop.aborted && parts.state() !== "preparing") become("unready", "Its process ended.");
  });
  const over = AbortSignal.any([stop, ended.signal]);
  const first = await untilReady(parts, over);
  const readyAt = clock.now().getTime();
  if (first === "ready") become("ready", "It is ready.");
  const last = first === "ready" ? await whileServing(parts, over) : first;
  const servedMs = first === "ready" ? clock.now().getTime() - readyAt : 0;
  if (stop.aborted) return { message: "Nobody looks after it any more.", final: true, servedMs };
  if (last === "late") await endProcess(running.process, limits.stopGraceMs, clock);
  const tail = await logTail(parts.log);
  if (last !== "late") return { message: `Its process ended. ${tail}`.trim(), final: false, servedMs };
  if (first === "ready")
    return { message: `It was not ready for ${limits.readyTimeoutMs} ms.`, final: false, servedMs };
  return {
    message: `It never became ready within ${limits.readyTimeoutMs} ms. ${tail}`.trim(),
    final: true,
    servedMs,
  };
}
