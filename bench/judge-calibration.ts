// How often is the judge wrong, and how fast is it right? Plays seeded rollouts through the real judge at the default policy.
// node scripts/launch.mjs bench/judge-calibration.ts --rollouts 5000
import { parseArgs } from "node:util";
import { ROLLOUT_POLICY_DEFAULTS, type RolloutPolicy } from "../shared/domain/rollout-policy.ts";
import { drawTrial } from "../test/simulation/judge/fault-suite.ts";
import { createRandom } from "../test/simulation/judge/random.ts";
import {
  type Noise,
  type Outcome,
  simulateRollout,
  type World,
} from "../test/simulation/judge/simulated-rollout.ts";

const { values } = parseArgs({
  options: { rollouts: { type: "string", default: "5000" }, seed: { type: "string", default: "1" } },
});
const rollouts = Number(values.rollouts);
const firstSeed = Number(values.seed) * 1_000_003;
/** Rollouts without an early end cost much more: fewer of them are played. */
const longRollouts = Math.max(10, Math.ceil(rollouts / 25));

const NOISES: readonly (readonly [string, Noise])[] = [
  ["none", { cv: 0, persistence: 0 }],
  ["cv 0.2", { cv: 0.2, persistence: 0 }],
  ["cv 0.3", { cv: 0.3, persistence: 0 }],
  ["cv 0.3, AR(1) 0.7", { cv: 0.3, persistence: 0.7 }],
];
const QUIET: Noise = { cv: 0, persistence: 0 };

function play(count: number, policy: RolloutPolicy, world: World, watch = false): readonly Outcome[] {
  return Array.from({ length: count }, (_, index) =>
    simulateRollout(policy, world, createRandom(firstSeed + index), { watch }),
  );
}

const share = (outcomes: readonly Outcome[], end: Outcome["end"]): string =>
  `${((100 * outcomes.filter((outcome) => outcome.end === end).length) / outcomes.length).toFixed(2)} %`;

function quantile(numbers: readonly number[], part: number): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(part * numbers.length)] ?? Number.NaN;
}

function print(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  process.stdout.write(`\n${title}\n\n| ${head.join(" | ")} |\n|${"---|".repeat(head.length)}\n`);
  for (const row of rows) process.stdout.write(`| ${row.join(" | ")} |\n`);
}

function printNoise(): void {
  const held: RolloutPolicy = { ...ROLLOUT_POLICY_DEFAULTS, steps: [10] };
  for (const errorRate of [0.01, 0.03]) {
    const rows = NOISES.map(([name, noise]) => {
      const world = {
        requestsPerSecond: 500,
        controlErrorRate: errorRate,
        canaryErrorRate: () => errorRate,
        noise,
      };
      const ended = play(rollouts, ROLLOUT_POLICY_DEFAULTS, world);
      const watched = play(longRollouts, held, world, true);
      const seconds = quantile(
        ended.map(({ elapsedMs }) => elapsedMs / 1_000),
        0.5,
      );
      return [
        name,
        share(ended, "rolled-back"),
        share(ended, "inconclusive"),
        `${seconds} s`,
        share(watched, "rolled-back"),
      ];
    });
    const title = `A/A, 500 requests/s, ${100 * errorRate} % errors on both arms (${rollouts} rollouts a row; ${longRollouts} watched for 60 minutes at 10 % without an end)`;
    print(
      title,
      [
        "noise",
        "false rollbacks",
        "inconclusive",
        "median time to promotion",
        "false rollbacks, watched an hour",
      ],
      rows,
    );
  }
}

function printPromotions(): void {
  const borders = [
    [0.01, 0.02],
    [0.005, 0.01],
    [0.001, 0.01],
    [0, 0.01],
  ] as const;
  const policy = { ...ROLLOUT_POLICY_DEFAULTS, timeLimitMs: 1_200_000 };
  const rows = borders.map(([controlErrorRate, canary]) => {
    const world = { requestsPerSecond: 500, controlErrorRate, canaryErrorRate: () => canary, noise: QUIET };
    const outcomes = play(longRollouts * 5, policy, world);
    return [
      `${100 * controlErrorRate} %`,
      `${100 * canary} %`,
      share(outcomes, "promoted"),
      share(outcomes, "rolled-back"),
    ];
  });
  print(
    `Exactly at the border of the unacceptable, 20 minutes (${longRollouts * 5} rollouts a row)`,
    ["control", "canary", "false promotions", "rolled back"],
    rows,
  );
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
    const outcomes = play(longRollouts * 5, ROLLOUT_POLICY_DEFAULTS, world);
    const seconds = outcomes.map(({ elapsedMs }) => elapsedMs / 1_000);
    const errors = quantile(
      outcomes.map(({ canaryErrors }) => canaryErrors),
      0.5,
    );
    return [
      `1 % → ${100 * rate} %`,
      `${perSecond}`,
      `${quantile(seconds, 0.5)} s`,
      `${quantile(seconds, 0.9)} s`,
      `${errors}`,
      share(outcomes, "rolled-back"),
    ];
  });
  print(
    `Time to see a fault, no noise (${longRollouts * 5} rollouts a row)`,
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

printDetection();
printPromotions();
printFaults();
printNoise();
