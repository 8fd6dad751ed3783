// How often is the judge wrong, and how fast is it right? Plays seeded rollouts through the real judge at the default policy,
// prints the tables of docs/judge.md, and ends with 1 when a goal is missed.
// npm run calibrate -- --rollouts 5000 --seed 1 [--only detection|borders|faults|noise]
import { parseArgs } from "node:util";
import { ROLLOUT_POLICY_DEFAULTS, type RolloutPolicy } from "../shared/domain/rollout-policy.ts";
import { drawTrial } from "../test/simulation/judge/fault-suite.ts";
import type { Outcome } from "../shared/domain/played-rollout.ts";
import { createRandom } from "../shared/domain/random.ts";
import { type Noise, simulateRollout, type World } from "../test/simulation/judge/simulated-rollout.ts";

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: ["detection", "borders", "faults", "noise"] },
  },
});
const rollouts = Number(values.rollouts);
const firstSeed = Number(values.seed) * 1_000_003;
/** Rollouts that are watched for an hour cost much more: fewer of them are played. */
const longRollouts = Math.max(10, Math.ceil(rollouts / 50));

const NOISES: readonly (readonly [string, Noise])[] = [
  ["none", { cv: 0, persistence: 0 }],
  ["cv 0.2", { cv: 0.2, persistence: 0 }],
  ["cv 0.3", { cv: 0.3, persistence: 0 }],
  ["cv 0.3, AR(1) 0.7", { cv: 0.3, persistence: 0.7 }],
];
/** Worse than what the judge assumes: shown, not promised. */
const BEYOND: typeof NOISES = [
  ["cv 0.4", { cv: 0.4, persistence: 0 }],
  ["cv 0.3, AR(1) 0.9", { cv: 0.3, persistence: 0.9 }],
];
const QUIET: Noise = { cv: 0, persistence: 0 };

function play(count: number, policy: RolloutPolicy, world: World, watch = false): readonly Outcome[] {
  return Array.from({ length: count }, (_, index) =>
    simulateRollout(policy, world, createRandom(firstSeed + index), { watch }),
  );
}

const percentOf = (outcomes: readonly Outcome[], end: Outcome["end"]): number =>
  (100 * outcomes.filter((outcome) => outcome.end === end).length) / outcomes.length;

const share = (outcomes: readonly Outcome[], end: Outcome["end"]): string =>
  `${percentOf(outcomes, end).toFixed(2)} %`;

/** Goals with what was measured, for the last table. */
const goals: { readonly goal: string; readonly measured: string; readonly met: boolean }[] = [];

function quantile(numbers: readonly number[], part: number): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(part * numbers.length)] ?? Number.NaN;
}

function print(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  process.stdout.write(`\n${title}\n\n| ${head.join(" | ")} |\n|${"---|".repeat(head.length)}\n`);
  for (const row of rows) process.stdout.write(`| ${row.join(" | ")} |\n`);
}

function printNoise(): void {
  const held: RolloutPolicy = { ...ROLLOUT_POLICY_DEFAULTS, steps: [10] };
  const head = ["noise", "false rollbacks", "inconclusive", "median time to promotion", "watched an hour"];
  let worst = 0;
  for (const errorRate of [0.01, 0.03]) {
    const rows = [...NOISES, ...BEYOND].map(([name, noise]) => {
      const world = {
        requestsPerSecond: 500,
        controlErrorRate: errorRate,
        canaryErrorRate: () => errorRate,
        noise,
      };
      const ended = play(rollouts, ROLLOUT_POLICY_DEFAULTS, world);
      const watched = play(longRollouts, held, world, true);
      if (NOISES.some(([promised]) => promised === name))
        worst = Math.max(worst, percentOf(ended, "rolled-back"));
      const seconds = quantile(
        ended.map(({ elapsedMs }) => elapsedMs / 1_000),
        0.5,
      );
      const wrong = share(watched, "rolled-back");
      return [name, share(ended, "rolled-back"), share(ended, "inconclusive"), `${seconds} s`, wrong];
    });
    const title = `A/A, 500 requests/s, ${100 * errorRate} % errors on both arms (${rollouts} rollouts a row; ${longRollouts} watched for 60 minutes at 10 % without an end)`;
    print(title, head, rows);
  }
  const goal = "false rollbacks ≤ 1 % in every noise row up to cv 0.3, AR(1) 0.7";
  goals.push({ goal, measured: `at most ${worst.toFixed(2)} %`, met: worst <= 1 });
}

function printPromotions(): void {
  const borders = [
    [0.01, 0.02],
    [0.005, 0.01],
    [0.001, 0.01],
    [0, 0.01],
  ] as const;
  const policy = { ...ROLLOUT_POLICY_DEFAULTS, timeLimitMs: 1_200_000 };
  let worst = 0;
  const rows = borders.map(([controlErrorRate, canary]) => {
    const world = { requestsPerSecond: 500, controlErrorRate, canaryErrorRate: () => canary, noise: QUIET };
    const outcomes = play(rollouts, policy, world);
    worst = Math.max(worst, percentOf(outcomes, "promoted"));
    return [
      `${100 * controlErrorRate} %`,
      `${100 * canary} %`,
      share(outcomes, "promoted"),
      share(outcomes, "rolled-back"),
    ];
  });
  print(
    `Exactly at the border of the unacceptable, 20 minutes (${rollouts} rollouts a row)`,
    ["control", "canary", "false promotions", "rolled back"],
    rows,
  );
  const stated = 100 * policy.judge.errors.passAlpha;
  const goal = `false promotions at the border ≤ ${stated} %`;
  goals.push({ goal, measured: `at most ${worst.toFixed(2)} %`, met: worst <= stated });
}

function printFaults(): void {
  const suites = [
    ["faults that begin at least a whole step before the end", undefined],
    ["faults that begin 30 s before the earliest promotion", [{ step: 2, afterMs: 30_000 }]],
  ] as const;
  const rows = suites.map(([name, onsets]) => {
    const count = { caught: 0, missed: 0, falseAlarm: 0, undecided: 0, promoted: 0 };
    for (let index = 0; index < rollouts; index += 1) {
      const random = createRandom(firstSeed + index);
      const { world, faulty } = drawTrial(random, onsets);
      const { end } = simulateRollout(ROLLOUT_POLICY_DEFAULTS, world, random);
      if (faulty) count[end === "promoted" ? "missed" : "caught"] += 1;
      else if (end === "rolled-back") count.falseAlarm += 1;
      else count[end === "promoted" ? "promoted" : "undecided"] += 1;
    }
    const recall = (100 * count.caught) / (count.caught + count.missed);
    const precision = (100 * count.caught) / (count.caught + count.falseAlarm + count.undecided);
    if (onsets === undefined) {
      const measured = `${recall.toFixed(2)} % and ${precision.toFixed(2)} %`;
      const met = recall >= 99.8 && precision >= 95;
      goals.push({ goal: "recall ≥ 99.8 % and precision ≥ 95 % on the mixed suite", measured, met });
    }
    const counts = `${count.caught} / ${count.missed} / ${count.falseAlarm} / ${count.undecided} / ${count.promoted}`;
    return [name, `${recall.toFixed(2)} %`, `${precision.toFixed(2)} %`, counts];
  });
  const head = [
    "suite",
    "recall",
    "precision",
    "caught / missed / false alarm / good but inconclusive / good and promoted",
  ];
  print(
    `Mixed suite, half of ${rollouts} canaries faulty (×3 to ×50; 100 to 5,000 requests/s; cv 0 to 0.3)`,
    head,
    rows,
  );
}

function printDetection(): void {
  const rows = [
    [5, 0.1],
    [5, 0.05],
    [5, 0.03],
    [25, 0.1],
    [25, 0.03],
    [5, 1],
  ].map(([perSecond = 0, rate = 0]) => {
    const world = {
      requestsPerSecond: perSecond * 20,
      controlErrorRate: 0.01,
      canaryErrorRate: () => rate,
      noise: QUIET,
    };
    const outcomes = play(rollouts, ROLLOUT_POLICY_DEFAULTS, world);
    const seconds = outcomes.map(({ elapsedMs }) => elapsedMs / 1_000);
    const errors = quantile(
      outcomes.map(({ canaryErrors }) => canaryErrors),
      0.5,
    );
    const median = quantile(seconds, 0.5);
    if (perSecond === 5 && rate === 0.1) {
      const goal = "1 % → 10 % at 5 canary requests/s seen within 30 s at the median";
      goals.push({ goal, measured: `${median} s`, met: median <= 30 });
    }
    return [
      `1 % → ${100 * rate} %`,
      `${perSecond}`,
      `${median} s`,
      `${quantile(seconds, 0.9)} s`,
      `${errors}`,
      share(outcomes, "rolled-back"),
    ];
  });
  print(
    `Time to see a fault, no noise (${rollouts} rollouts a row)`,
    [
      "fault",
      "canary requests/s at the first step",
      "median",
      "90th percentile",
      "failed canary requests, median",
      "rolled back",
    ],
    rows,
  );
}

const parts = { detection: printDetection, borders: printPromotions, faults: printFaults, noise: printNoise };
for (const [name, part] of Object.entries(parts)) if (values.only.includes(name)) part();

print(
  "Goals",
  ["goal", "measured", ""],
  goals.map(({ goal, measured, met }) => [goal, measured, met ? "met" : "**missed**"]),
);
if (!goals.every(({ met }) => met)) process.exitCode = 1;
