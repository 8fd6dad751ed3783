// One history: a seed decides the world, what people do, and every fault; then the world heals and must come to rest.
import { turns } from "../support/clock.ts";
import type { Callers } from "./client.ts";
import { createDevelopers } from "./developers.ts";
import { atRest, type Rest, safetyProblems } from "./invariants.ts";
import { createOutside, type Outside } from "./outside.ts";
import { type Process, startProcess } from "./process.ts";
import { createTrainers } from "./trainers.ts";
import { markFacts } from "./sometimes.ts";

/** Virtual time with faults. */
const ROUGH_MS = 60_000;
/** Virtual time after the healing within which everything comes to rest. */
export const REST_MS_MAX = 30 * 60_000;
const STEP_MS = 250;
const SECOND_MS = 1_000;
/** Turns of the event loop without a call after which nothing goes on at this moment of virtual time. */
const QUIET_TURNS = 4;
/** Turns in which one moment of virtual time must come to an end, or something spins. */
const TURNS_MAX = 20_000;
/** How long a crashed process stays away. */
const AWAY_MS_MAX = 4_000;
/** Outages of one port, by chance. */
const OUTAGE_MS_MAX = 12_000;
const OUTAGES: readonly string[] = [
  "ledger",
  "bus",
  "executions",
  "api",
  "metrics",
  "builds",
  "codeHost",
  "views",
];

/** What one seed led to. */
export interface Simulated {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly lines: readonly string[];
  readonly marks: ReadonlySet<string>;
  readonly facts: number;
}

/** The process, started again whenever it crashed. */
function createHost(outside: Outside) {
  const { random, clock, history, outbox } = outside;
  const state: { living: Process | undefined; lives: number; calls: number } = {
    living: undefined,
    lives: 0,
    calls: 0,
  };
  const onCrash = async (): Promise<void> => {
    state.calls += state.living?.life.calls() ?? 0;
    state.living = undefined;
    history.mark("a crash");
    const left = await outbox.pending(clock.now().toISOString(), 1);
    if (left.length > 0) history.mark("a crash between append and publish");
    await clock.sleep(random.uniform() * AWAY_MS_MAX);
    await start();
  };
  async function start(): Promise<void> {
    const name = `life-${++state.lives}`;
    state.living = await startProcess(outside, {
      name,
      onCrash: () => void onCrash(),
      living: () => state.living?.ports.local,
    });
  }
  return { start, living: () => state.living, calls: () => state.calls + (state.living?.life.calls() ?? 0) };
}

/** Lets everything happen that needs no more virtual time. */
async function quiet(calls: () => number): Promise<void> {
  for (let spent = 0; spent < TURNS_MAX; spent += QUIET_TURNS) {
    const before = calls();
    await turns(QUIET_TURNS);
    if (calls() === before) return;
  }
  throw new Error(`One moment of virtual time took ${TURNS_MAX} turns of the event loop: something spins.`);
}

interface Action {
  readonly atMs: number;
  readonly run: () => void;
}

/** What people do and which ports go away, at which times: all from the seed. */
function script(outside: Outside, callers: Callers, parts: ReturnType<typeof createParts>): Action[] {
  const { random, faults, history } = outside;
  const { developers, trainers } = parts;
  const actions: Action[] = [];
  const at = (fromMs: number, run: () => void): void =>
    void actions.push({ atMs: fromMs + random.uniform() * (ROUGH_MS - fromMs), run });
  const times = (most: number, fromMs: number, run: () => void): void => {
    const count = Math.floor(random.uniform() * (most + 1));
    for (let done = 0; done < count; done++) at(fromMs, run);
  };
  const soon = (work: () => Promise<unknown>) => () => developers.track(work());
  actions.push({ atMs: 0, run: () => developers.begin() });
  times(3, 3_000, () => developers.openPull());
  times(3, 6_000, () => developers.openPull());
  times(2, 8_000, () => developers.pushToPull());
  times(5, 10_000, () => developers.mergePull());
  times(2, 10_000, () => developers.reconfigure());
  times(5, 5_000, soon(developers.review));
  actions.push({ atMs: 9_000, run: soon(trainers.register) });
  times(4, 10_000, soon(trainers.register));
  times(2, 20_000, soon(trainers.resume));
  if (random.uniform() < 0.4) at(20_000, soon(trainers.rollback));
  times(1, 20_000, soon(trainers.retry));
  for (const verb of ["advance", "abort", "pause", "go on"] as const)
    if (random.uniform() < 0.2)
      at(
        15_000,
        soon(() => trainers.act(verb)),
      );
  for (const port of OUTAGES) {
    if (random.uniform() > 0.15 * outside.roughness) continue;
    at(5_000, () => {
      faults.setDown(port, true);
      history.add("outage", `${port} is down`);
      history.mark(`an outage: ${port}`);
      void outside.clock.sleep(random.uniform() * OUTAGE_MS_MAX).then(() => {
        faults.setDown(port, false);
        history.add("outage", `${port} is back`);
      });
    });
  }
  void callers;
  return actions.toSorted((one, other) => one.atMs - other.atMs);
}

function createParts(outside: Outside, callers: Callers) {
  const settings = {
    webApprovals: 1,
    onInconclusive: outside.random.uniform() < 0.7 ? "rollback" : "hold",
  } as const;
  return { developers: createDevelopers(callers, settings), trainers: createTrainers(callers) };
}

/** After the healing people go on to look after what waits for them, until nothing moves any more. */
async function heal(
  outside: Outside,
  parts: ReturnType<typeof createParts>,
  step: (ms: number) => Promise<void>,
): Promise<Rest> {
  const { developers, trainers } = parts;
  outside.faults.heal();
  outside.history.add("heal", "no more faults");
  let rest: Rest = { atRest: false, waitsFor: ["nothing was looked at"] };
  for (let passed = 0; passed < REST_MS_MAX; passed += SECOND_MS) {
    await step(SECOND_MS);
    if (!developers.busy()) {
      developers.track(developers.review());
      developers.track(trainers.resume().then(() => trainers.decide()));
      await step(0);
      rest = await atRest(outside, developers);
      if (rest.atRest && !developers.busy()) return rest;
    }
  }
  return rest;
}

/** Runs the history of one seed. */
export async function simulate(seed: number): Promise<Simulated> {
  const outside = createOutside(seed);
  const host = createHost(outside);
  const callers: Callers = { outside, living: host.living };
  const parts = createParts(outside, callers);
  let sinceSecond = 0;
  const step = async (ms: number): Promise<void> => {
    outside.builds.tick();
    await outside.clock.advance(ms);
    await quiet(host.calls);
    sinceSecond += ms;
    if (sinceSecond < SECOND_MS) return;
    sinceSecond = 0;
    await outside.second();
  };
  const problems: string[] = [];
  try {
    await host.start();
    const actions = script(outside, callers, parts);
    for (let passed = 0; passed < ROUGH_MS; passed += STEP_MS) {
      while (actions[0] !== undefined && actions[0].atMs <= passed) actions.shift()?.run();
      await step(STEP_MS);
    }
    const rest = await heal(outside, parts, step);
    if (!rest.atRest) problems.push(`no rest after the healing: ${rest.waitsFor.join("; ")}`);
    problems.push(...(await safetyProblems(outside, parts.developers)));
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  markFacts(outside.facts, outside.history);
  problems.unshift(...outside.violations);
  for (const problem of problems) outside.history.add("PROBLEM", problem);
  host.living()?.life.crash("at the end");
  await turns(QUIET_TURNS);
  outside.close();
  const { lines, marks } = outside.history;
  return {
    seed,
    problems,
    digest: outside.history.digest(),
    lines,
    marks,
    facts: outside.facts.length,
  };
}
