// A handful of stories that never vary, each without any fault but one: the process crashes at a call, and every call gets its turn.
import type { Outside } from "./outside.ts";
import type { Action, People } from "./people.ts";
import type { Shape } from "./shape.ts";

/** One story. */
export interface Story {
  readonly name: string;
  readonly shape: Shape;
  /** A state that it reaches whatever happens. */
  readonly reaches: string;
  readonly script: (outside: Outside, people: People) => readonly Action[];
}

const CALM: Shape = {
  provisioning: false,
  serving: false,
  runs: false,
  roughness: 0,
  crashAt: undefined,
  busy: false,
  roughMs: 30_000,
  reconcileMs: 12_000,
  longOutage: false,
};

const at = (seconds: number, run: () => void): Action => ({ atMs: seconds * 1_000, run });

/** All stories. */
export const STORIES: readonly Story[] = [
  {
    name: "a merge is applied",
    shape: { ...CALM, provisioning: true },
    reaches: "apply.finished",
    script: (_, { developers }) => [
      at(0, () => developers.begin()),
      at(6, () => developers.openPull(["web"])),
      at(16, () => developers.track(developers.review())),
      at(18, () => developers.mergePull()),
      at(28, () => developers.track(developers.review())),
    ],
  },
  {
    name: "a registered version is promoted",
    shape: { ...CALM, serving: true },
    reaches: "rollout.promoted",
    script: (_, { developers, trainers }) => [
      at(0, () => developers.begin()),
      at(5, () => developers.track(trainers.register({}))),
      at(15, () => developers.track(trainers.register({}))),
    ],
  },
  {
    name: "a bad version is rolled back",
    shape: { ...CALM, serving: true },
    reaches: "rollout.rolled-back",
    script: (_, { developers, trainers }) => [
      at(0, () => developers.begin()),
      at(5, () => developers.track(trainers.register({}))),
      at(15, () => developers.track(trainers.register({ errorRate: 0.3 }))),
    ],
  },
  {
    name: "a run makes a dataset version",
    shape: { ...CALM, runs: true, roughMs: 12_000 },
    reaches: "dataset-version.created",
    script: (_, { developers, scientists }) => [at(0, () => developers.track(scientists.request("succeed")))],
  },
];
