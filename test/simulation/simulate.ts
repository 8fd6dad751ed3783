// One history: a seed decides the world, what people do, and every fault; then the world heals and must come to rest.
import { turns } from "../support/clock.ts";
import type { Callers } from "./client.ts";
import { atRest, type Rest } from "./rest.ts";
import { safetyProblems } from "./invariants.ts";
import { createOutside, type Outside } from "./outside.ts";
import { type Action, createPeople, LONG_OUTAGE_MS, type People, scriptOf } from "./people.ts";
import { type Process, startProcess } from "./process.ts";
import type { Shape } from "./shape.ts";
import type { Story } from "./stories.ts";
import { markFacts } from "./sometimes.ts";

/** Virtual time after the healing within which everything comes to rest. */
export const REST_MS_MAX = 30 * 60_000;
/** Between two rounds in which people look after what waits for them, at the end. */
const ROUND_MS = 10_000;
/** Between two readings of the request counters; while a port is down for hours nobody needs them that often. */
const SCRAPE_MS = { usual: 1_000, rare: 120_000 } as const;
/** For how long faults go on after an outage of hours. */
const AFTER_OUTAGE_MS = 5 * 60_000;
/** How long a crashed process stays away. */
const AWAY_MS_MAX = 4_000;

/** What one seed led to. */
export interface Simulated {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly lines: readonly string[];
  readonly marks: ReadonlySet<string>;
  readonly facts: number;
  /** Calls of ports that its first life began. */
  readonly calls: number;
}

/** The process, started again whenever it crashed. */
function createHost(outside: Outside) {
  const { random, time, history, outbox, counters, shape } = outside;
  const state: { living: Process | undefined; first: Process | undefined; lives: number } = {
    living: undefined,
    first: undefined,
    lives: 0,
  };
  const onCrash = async (): Promise<void> => {
    state.living = undefined;
    history.mark("a crash");
    // The gateway is gone with the process, and so are its counters.
    counters.restart();
    const left = await outbox.pending(time.now().toISOString(), 1);
    if (left.length > 0) history.mark("a crash between append and publish");
    await time.sleep(random.uniform() * AWAY_MS_MAX);
    await start();
  };
  async function start(): Promise<void> {
    const name = `life-${++state.lives}`;
    state.living = await startProcess(outside, {
      name,
      onCrash: () => void onCrash(),
      living: () => state.living?.ports.local,
      crashAt: state.lives === 1 ? shape.crashAt : undefined,
    });
    state.first ??= state.living;
  }
  return { start, living: () => state.living, calls: () => state.first?.life.calls() ?? 0 };
}

/** Users send requests for as long as the history goes on, and somebody counts them. */
async function users({ time, users: people, weights, counters, shape, faults }: Outside): Promise<void> {
  if (!shape.serving) return;
  for (;;) {
    const ms = shape.longOutage && !faults.healed() ? SCRAPE_MS.rare : SCRAPE_MS.usual;
    await time.sleep(ms);
    people.pass(ms / 1_000, await weights());
    counters.scrape(time.now().toISOString());
  }
}

/** Virtual time until nobody's fault is under way any more. */
async function rough(outside: Outside, script: readonly Action[]): Promise<void> {
  const { time, shape, faults } = outside;
  const start = time.now().getTime();
  for (const { atMs, run } of script) {
    await time.advanceTo(start + atMs);
    run();
  }
  await time.advanceTo(start + shape.roughMs);
  // An outage of hours comes to its end before the world heals.
  if (!shape.longOutage) return;
  faults.ease();
  await time.advanceTo(start + shape.roughMs + LONG_OUTAGE_MS.max, () => !faults.anyDown());
  await time.advanceTo(time.now().getTime() + AFTER_OUTAGE_MS);
}

/** After the healing people go on to look after what waits for them, until nothing moves any more. */
async function heal(outside: Outside, people: People): Promise<Rest> {
  const { developers, trainers, operators } = people;
  const { time, faults, history } = outside;
  faults.heal();
  history.add("heal", "no more faults");
  developers.github.redeliver();
  developers.track(operators.replay());
  const until = time.now().getTime() + REST_MS_MAX;
  let rest: Rest = { atRest: false, waitsFor: ["nothing was looked at"] };
  while (time.now().getTime() < until) {
    await time.advanceTo(time.now().getTime() + ROUND_MS);
    if (developers.busy()) continue;
    developers.track(developers.review());
    developers.track(trainers.resume().then(() => trainers.decide()));
    // A letter that was on its way when the world healed lies there only now.
    developers.track(operators.replay());
    await time.settle();
    if (developers.busy()) continue;
    rest = await atRest(outside);
    if (rest.atRest && !(await operators.haveWork())) return rest;
  }
  return developers.busy() ? { atRest: false, waitsFor: ["calls of people"] } : rest;
}

/** Runs the history of one seed; `change` makes another history of it than its own, `story` tells one that never varies. */
export async function simulate(seed: number, change: Partial<Shape> = {}, story?: Story): Promise<Simulated> {
  const outside = createOutside(seed, { ...story?.shape, ...change });
  const { history, facts, violations } = outside;
  const host = createHost(outside);
  const callers: Callers = { outside, living: host.living };
  const people = createPeople(callers);
  const problems: string[] = [];
  try {
    await host.start();
    void users(outside);
    if (story !== undefined) outside.faults.heal();
    await rough(outside, (story?.script ?? scriptOf)(outside, people));
    const rest = await heal(outside, people);
    if (!rest.atRest) problems.push(`no rest after the healing: ${rest.waitsFor.join("; ")}`);
    problems.push(...(await safetyProblems(outside, people)));
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  markFacts(facts, history);
  if (story !== undefined && !history.marks.has(story.reaches))
    problems.push(`the story never came to ${story.reaches}`);
  problems.unshift(...violations);
  for (const problem of problems) history.add("PROBLEM", problem);
  host.living()?.life.crash("at the end");
  await turns(2);
  await outside.close();
  const { lines, marks } = history;
  return { seed, problems, digest: history.digest(), lines, marks, facts: facts.length, calls: host.calls() };
}
