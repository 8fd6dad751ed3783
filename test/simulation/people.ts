// Everybody outside, and what they do at which times: all from the seed.
import type { Callers } from "./client.ts";
import { createDevelopers } from "./developers.ts";
import { createOperators } from "./operators.ts";
import type { Outside } from "./outside.ts";
import { createScientists } from "./scientists.ts";
import { createTrainers } from "./trainers.ts";

/** How long a port is away, shortly and for hours. */
const OUTAGE_MS_MAX = 12_000;
export const LONG_OUTAGE_MS = { min: 2 * 3_600_000, max: 5 * 3_600_000 } as const;
/** Chance of a short outage of each port at roughness 1. */
const OUTAGE_CHANCE = 0.12;
/** Chance that two changes of one stack are merged at once. */
const RUSH_CHANCE = 0.3;
const OUTAGES: readonly string[] = [
  "ledger",
  "bus",
  "executions",
  "api",
  "metrics",
  "builds",
  "codeHost",
  "views",
  "cluster",
  "deploys",
];
const LONG_OUTAGES: readonly string[] = ["ledger", "bus", "executions"];

/** The people of one history. */
export function createPeople(callers: Callers) {
  const { outside } = callers;
  const onInconclusive = outside.random.uniform() < 0.7 ? "rollback" : "hold";
  return {
    developers: createDevelopers(callers, { webApprovals: 1, onInconclusive }),
    trainers: createTrainers(callers),
    scientists: createScientists(callers),
    operators: createOperators(callers),
  };
}

/** The people of a history. */
export type People = ReturnType<typeof createPeople>;

/** Something that somebody does at a time of the history. */
export interface Action {
  readonly atMs: number;
  readonly run: () => void;
}

/** Collects actions at times from the seed. */
function agenda({ random, shape }: Outside) {
  const actions: Action[] = [];
  const at = (fromShare: number, run: () => void): void => {
    const fromMs = fromShare * shape.roughMs;
    actions.push({ atMs: fromMs + random.uniform() * (shape.roughMs - fromMs), run });
  };
  return {
    at,
    first: (run: () => void): void => void actions.push({ atMs: 0, run }),
    times(most: number, fromShare: number, run: () => void): void {
      const count = Math.floor(random.uniform() * ((shape.busy ? most : Math.ceil(most / 2)) + 1));
      for (let done = 0; done < count; done++) at(fromShare, run);
    },
    inOrder: () => actions.toSorted((one, other) => one.atMs - other.atMs),
  };
}

type Agenda = ReturnType<typeof agenda>;

function planDevelopers(
  { at, times, first }: Agenda,
  { random, shape }: Outside,
  { developers }: People,
): void {
  first(() => developers.begin());
  if (!shape.provisioning) return;
  times(3, 0.05, () => developers.openPull());
  times(2, 0.1, () => developers.openPull());
  times(2, 0.15, () => developers.pushToPull());
  times(4, 0.2, () => developers.mergePull());
  times(1, 0.2, () => developers.reconfigure());
  // Two changes of one stack are merged one right after the other: the second comes while the first is applied.
  if (random.uniform() < RUSH_CHANCE)
    at(0.1, () => {
      for (const merge of [false, true])
        for (let pull = 0; pull < 2; pull++) {
          if (merge) developers.mergePull(true);
          else developers.openPull(["db"]);
        }
    });
  times(5, 0.1, () => developers.track(developers.review()));
}

function planTrainers({ times, at }: Agenda, { random, shape }: Outside, people: People): void {
  if (!shape.serving) return;
  const { developers, trainers } = people;
  const soon = (work: () => Promise<unknown>) => () => developers.track(work());
  at(
    0.05,
    soon(() => trainers.register()),
  );
  times(
    3,
    0.15,
    soon(() => trainers.register()),
  );
  times(2, 0.4, soon(trainers.resume));
  if (random.uniform() < 0.4) at(0.4, soon(trainers.rollback));
  times(1, 0.4, soon(trainers.retry));
  times(3, 0.2, () => trainers.breakBackend());
  for (const verb of ["advance", "abort", "pause", "go on"] as const)
    if (random.uniform() < 0.2)
      at(
        0.3,
        soon(() => trainers.act(verb)),
      );
}

function planScientists({ times, at }: Agenda, { shape }: Outside, people: People): void {
  if (!shape.runs) return;
  const { developers, scientists } = people;
  at(0, () => developers.track(scientists.request()));
  times(3, 0.05, () => developers.track(scientists.request()));
  times(1, 0.3, () => developers.track(scientists.cancel()));
  times(1, 0.3, () => scientists.restartHead());
}

function planOutages({ at }: Agenda, { random, shape, faults, history, time }: Outside): void {
  const outage = (port: string, ms: number): void => {
    faults.setDown(port, true);
    history.add("outage", `${port} is down for ${Math.round(ms / 1_000)} s`);
    history.mark(`an outage: ${port}`);
    void time.sleep(ms).then(() => {
      if (faults.healed()) return;
      faults.setDown(port, false);
      history.add("outage", `${port} is back`);
      if (ms >= LONG_OUTAGE_MS.min) history.mark(`an outage of hours: ${port}`);
    });
  };
  for (const port of OUTAGES)
    if (random.uniform() < OUTAGE_CHANCE * shape.roughness)
      at(0.1, () => outage(port, random.uniform() * OUTAGE_MS_MAX));
  if (!shape.longOutage) return;
  const port = random.pick(LONG_OUTAGES);
  const ms = LONG_OUTAGE_MS.min + random.uniform() * (LONG_OUTAGE_MS.max - LONG_OUTAGE_MS.min);
  at(0.2, () => outage(port, ms));
}

/** What everybody does, in the order of time. */
export function scriptOf(outside: Outside, people: People): readonly Action[] {
  const script = agenda(outside);
  planDevelopers(script, outside, people);
  planTrainers(script, outside, people);
  planScientists(script, outside, people);
  const { developers, operators } = people;
  script.times(2, 0.4, () => developers.track(operators.replay()));
  planOutages(script, outside);
  return script.inOrder();
}
