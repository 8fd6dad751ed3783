// `signalbox judge replay`: how often a policy would have been wrong about recorded traffic, and how long it would have taken.
import type { Arms } from "../../shared/domain/evidence.ts";
import {
  policyAt,
  rateBound,
  type Replayed,
  type ReplayedRollout,
  replayHealthy,
  replayRollout,
} from "../../shared/domain/judge-replay.ts";
import { createRandom } from "../../shared/domain/random.ts";
import { healthyWindows, type Recording, spacingOf } from "../../shared/domain/recording.ts";
import type { RolloutPolicy } from "../../shared/domain/rollout-policy.ts";
import { CommandError, EXIT } from "../exit.ts";
import { policyText, secondsText } from "./policy-file.ts";

/** Faults whose time to be seen is told: errors so many times as before. */
const FAULTS = [3, 10];

/** What is to be replayed. */
export interface Replay {
  readonly policy: RolloutPolicy;
  readonly recording: Recording;
  /** Who was compared in the recording; undefined when it holds no rollout. */
  readonly arms: Arms | undefined;
  /** When the recorded rollout ended. */
  readonly untilMs: number;
  readonly version: string | undefined;
  readonly rollouts: number;
  readonly seed: number;
  /** How the recorded rollout really ended, in words. */
  readonly really: string | undefined;
}

/** The answer, as `--json` prints it. */
export interface ReplayAnswer {
  readonly policy: RolloutPolicy;
  readonly recording: {
    readonly seconds: number;
    readonly requests: number;
    readonly errors: number;
    readonly lookSeconds: number;
  };
  readonly healthy: Replayed & {
    readonly falseRollbackRate: number;
    readonly falseRollbackRateBound: number;
  };
  readonly faults: readonly (Replayed & { readonly times: number })[];
  readonly rollout: (ReplayedRollout & { readonly really: string | undefined }) | undefined;
}

/** Replays; throws when the recording is too short to say anything. */
export function replayed({ policy: asked, recording, arms, untilMs, ...replay }: Replay): ReplayAnswer {
  const lookMs = Math.max(asked.judge.lookMs, spacingOf(recording.samples));
  const policy = policyAt(asked, lookMs);
  const windows = healthyWindows(recording, lookMs, replay.version);
  const lengthMs = windows.length * lookMs;
  const leastMs = 2 * policy.steps.length * Math.max(lookMs, policy.step.minSeconds * 1_000);
  if (lengthMs < leastMs) {
    throw new CommandError(
      EXIT.refused,
      `The recording holds ${secondsText(lengthMs / 1_000)} of traffic that one version alone served; this policy's steps need at least ${secondsText(leastMs / 1_000)}. Record longer, or choose a policy with shorter steps.`,
    );
  }
  const play = (rollouts: number, fault?: number): Replayed => {
    const random = createRandom(replay.seed + (fault ?? 0));
    return replayHealthy(policy, windows, { rollouts, random, ...(fault === undefined ? {} : { fault }) });
  };
  const healthy = play(replay.rollouts);
  const share = healthy.rolledBack / healthy.rollouts;
  const lastsMs = 1_000 * (healthy.medianSeconds ?? lengthMs / 1_000);
  const rollout = arms === undefined ? undefined : replayRollout(asked, arms, recording, untilMs);
  return {
    policy,
    recording: {
      seconds: lengthMs / 1_000,
      requests: windows.reduce((sum, { requests }) => sum + requests, 0),
      errors: windows.reduce((sum, { errors }) => sum + errors, 0),
      lookSeconds: lookMs / 1_000,
    },
    healthy: {
      ...healthy,
      falseRollbackRate: share,
      falseRollbackRateBound: rateBound(share, Math.floor(lengthMs / lastsMs)),
    },
    faults: FAULTS.map((times) => ({ times, ...play(Math.ceil(replay.rollouts / 5), times) })),
    rollout: rollout === undefined ? undefined : { ...rollout, really: replay.really },
  };
}

const percent = (rate: number): string => `${Number((100 * rate).toPrecision(2))} %`;
const ENDS = {
  promoted: "have promoted it",
  "rolled-back": "have rolled it back",
  undecided: "not have decided",
  unreadable: "not have judged",
} as const;

/** The answer for people. */
export function replayText(answer: ReplayAnswer): string {
  const { policy, recording, healthy, faults, rollout } = answer;
  const { requests, errors, seconds, lookSeconds } = recording;
  const lines = [
    `Policy: ${policyText(policy)}.`,
    `Recording: ${secondsText(seconds)} of healthy traffic, ${(requests / seconds).toFixed(1)} requests/s, ${percent(errors / Math.max(1, requests))} errors, a look every ${secondsText(lookSeconds)}.`,
    "",
    `False rollbacks: ${healthy.rolledBack} of ${healthy.rollouts} replayed rollouts of a version against itself (${percent(healthy.falseRollbackRate)}; a recording of this length cannot exclude ${percent(healthy.falseRollbackRateBound)}).`,
    `Time to verdict: promoted after ${secondsText(healthy.medianSeconds)} (median), ${secondsText(healthy.ninetiethSeconds)} (nine in ten); ${healthy.undecided} undecided.`,
    ...faults.map(
      ({ times, rolledBack, rollouts, medianSeconds, ninetiethSeconds }) =>
        `${times} times the errors: ${percent(rolledBack / rollouts)} rolled back, after ${secondsText(medianSeconds)} (median), ${secondsText(ninetiethSeconds)} (nine in ten).`,
    ),
  ];
  if (rollout !== undefined) {
    lines.push(
      "",
      `The recorded rollout: this policy would ${ENDS[rollout.end]} ${secondsText(rollout.seconds)} after its first traffic. ${rollout.sentence}`,
    );
    if (rollout.really !== undefined) lines.push(`What happened: ${rollout.really}`);
  }
  return lines.join("\n");
}
