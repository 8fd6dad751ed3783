// What kind of history a seed gives: which parts of the product take part, how rough it is, and how long anything is down.
// Small worlds and extreme ones, rather than one world that has a little of everything: a rare pair of events meets more often.
import type { Random } from "../../shared/domain/random.ts";

/** Calls of a process among which a history with one crash chooses its place. */
const CRASH_CALL_MAX = 400;

/** The kind of one history. */
export interface Shape {
  readonly provisioning: boolean;
  readonly serving: boolean;
  readonly runs: boolean;
  /** Scales the chances of all faults; 0 is calm. */
  readonly roughness: number;
  /** The process crashes at this call of its first life, and the call has happened or not. */
  readonly crashAt: { readonly call: number; readonly after: boolean } | undefined;
  /** Much happens; otherwise little, which is quicker and easier to read. */
  readonly busy: boolean;
  /** Virtual time with faults. */
  readonly roughMs: number;
  /** Pause between two passes of the reconcilers. */
  readonly reconcileMs: number;
  /** One port is down for hours in the middle of everything. */
  readonly longOutage: boolean;
}

type Parts = Pick<Shape, "provisioning" | "serving" | "runs">;

const ONLY = { provisioning: false, serving: false, runs: false };
/** The parts and how often they take part, of forty: mostly alone, for all together make a long history. */
const PARTS: readonly (readonly [number, Parts])[] = [
  [13, { ...ONLY, serving: true }],
  [14, { ...ONLY, provisioning: true }],
  [10, { ...ONLY, runs: true }],
  [2, { ...ONLY, serving: true, runs: true }],
  [1, { provisioning: true, serving: true, runs: true }],
];
const CHOICES = PARTS.flatMap(([weight, parts]) => Array.from({ length: weight }, () => parts));

/** The shape that a seed gives. */
export function shapeOf(random: Random): Shape {
  const parts = random.pick(CHOICES);
  const longOutage = random.uniform() < 0.01;
  const oneCrash = random.uniform() < 0.2;
  const call = 1 + Math.floor(random.uniform() * CRASH_CALL_MAX);
  const after = random.uniform() < 0.5;
  const roughness = random.pick([0.5, 1, 2, 3]);
  const busy = random.uniform() < 0.15;
  const roughMs = random.pick(busy ? [16_000, 25_000] : [8_000, 12_000]);
  const reconcileMs = random.pick([5_000, 10_000, 15_000]);
  return {
    ...parts,
    roughness: oneCrash ? 0 : roughness,
    crashAt: oneCrash ? { call, after } : undefined,
    busy,
    roughMs,
    reconcileMs: longOutage ? 120_000 : reconcileMs,
    longOutage,
  };
}
