// A mixed suite of worlds, half of them with a faulty canary: what the judge's recall and precision are measured on.
import type { Random } from "../../../shared/domain/random.ts";
import type { World } from "./simulated-rollout.ts";

/** When a fault begins: with the step of this index, and so long after its start. */
export interface Onset {
  readonly step: number;
  readonly afterMs: number;
}

/** One world of the suite, and whether its canary must not be promoted. */
export interface Trial {
  readonly world: World;
  readonly faulty: boolean;
  readonly onset: Onset;
}

const REQUESTS_PER_SECOND = [100, 300, 1_000, 5_000];
const CONTROL_ERROR_RATES = [0, 0.001, 0.005, 0.01, 0.02];
const CVS = [0, 0.2, 0.3];
/** A fault is at least this many times the control's rate, and at least the matching rate. */
const FAULTS = [
  { ratio: 3, rate: 0.03 },
  { ratio: 5, rate: 0.05 },
  { ratio: 10, rate: 0.1 },
  { ratio: 20, rate: 0.3 },
  { ratio: 50, rate: 1 },
];
/** Every onset leaves at least the whole last step to see the fault. */
const ONSETS: readonly Onset[] = [
  { step: 0, afterMs: 0 },
  { step: 0, afterMs: 30_000 },
  { step: 1, afterMs: 0 },
  { step: 1, afterMs: 30_000 },
  { step: 2, afterMs: 0 },
];

/** The canary's error rate: the control's until the onset, the fault's afterwards. */
function rateFrom(onset: Onset, healthy: number, faulty: number): World["canaryErrorRate"] {
  let begunMs: number | undefined;
  return (elapsedMs, step) => {
    if (step > onset.step) return faulty;
    if (step < onset.step) return healthy;
    begunMs ??= elapsedMs;
    return elapsedMs - begunMs >= onset.afterMs ? faulty : healthy;
  };
}

/** Draws one trial: traffic, base rate, noise, and in half of the cases a fault of some size that begins somewhere. */
export function drawTrial(random: Random, onsets: readonly Onset[] = ONSETS): Trial {
  const healthy = random.pick(CONTROL_ERROR_RATES);
  const fault = random.pick(FAULTS);
  const onset = random.pick(onsets);
  const faulty = random.uniform() < 0.5;
  const bad = Math.min(1, Math.max(fault.rate, fault.ratio * healthy));
  const world: World = {
    requestsPerSecond: random.pick(REQUESTS_PER_SECOND),
    controlErrorRate: healthy,
    canaryErrorRate: faulty ? rateFrom(onset, healthy, bad) : () => healthy,
    noise: { cv: random.pick(CVS), persistence: 0 },
  };
  return { world, faulty, onset };
}
