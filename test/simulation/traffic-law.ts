// What no write of a traffic document may do, whoever makes it.
import { isDeepStrictEqual } from "node:util";
import {
  EMPTY_TRAFFIC,
  type GoodVersion,
  type Move,
  servedVersions,
  soleVersion,
  type TrafficDocument,
} from "../../shared/domain/traffic.ts";
import { readMoveCause } from "../../shared/domain/rollout-name.ts";
import { ENDPOINT } from "../support/simulated-serving.ts";

/** Facts with which a rollout ends. */
export const ROLLOUT_ENDS: ReadonlySet<string> = new Set([
  "rollout.promoted",
  "rollout.rolled-back",
  "rollout.aborted",
]);

/** How things stand while a document is written. */
export interface Standing {
  /** How a backend stands, as far as the writer of this epoch can know. */
  readonly stateOf: (backend: string, epoch: number) => string;
  /** Whether a rollout has ended on record. */
  readonly hasEnded: (rollout: string) => boolean;
}

/** A rollback goes where it can; these kinds of move put traffic only where somebody answers. */
const CAREFUL: ReadonlySet<Move["kind"]> = new Set(["first", "advance"]);
/** How a rollout ends without blame. */
const WITHOUT_BLAME: ReadonlySet<Move["kind"]> = new Set(["abort", "replace"]);
/** States of a backend that never answered a request. */
const NEVER_READY: ReadonlySet<string> = new Set(["unknown", "preparing", "cold"]);

/** A rollback ends at 100 % of a version that stood well, and the version that it takes back stands well no more. */
function rollbackProblem(
  { epoch, from, to }: Move,
  good: readonly GoodVersion[],
  after: TrafficDocument["traffic"],
): string | undefined {
  const target = soleVersion(to);
  if (target === undefined) return `the rollback of epoch ${epoch} leaves a split`;
  const served = soleVersion(from) ?? "";
  const inGood = good.some(({ version }) => version === target);
  if (!inGood && from[target] === undefined)
    return `the rollback of epoch ${epoch} goes to ${target}, which never stood well`;
  if (after.hold === null) return `the rollback of epoch ${epoch} does not hold the endpoint`;
  if (after.good.some(({ version }) => version === served)) return `${served} stands well after its rollback`;
  return undefined;
}

/** A rollout that has ended gives its version nothing any more. The first version of an endpoint keeps what it gets: nobody else serves. */
function endedProblem({ epoch, kind, cause }: Move, { hasEnded }: Standing): string | undefined {
  const rollout = kind === "advance" ? readMoveCause(cause)?.rollout : undefined;
  return rollout !== undefined && hasEnded(rollout)
    ? `epoch ${epoch} gives traffic to the version of ${rollout}, which has ended`
    : undefined;
}

function moveProblem(
  before: TrafficDocument,
  after: TrafficDocument,
  standing: Standing,
): string | undefined {
  const [move] = after.traffic.moves;
  if (move === undefined || move.epoch !== after.traffic.epoch) return "a move is not listed";
  // The end of a rollout without traffic: it changes no weight, and refuses the first step that may be under way.
  if (WITHOUT_BLAME.has(move.kind) && isDeepStrictEqual(move.from, move.to)) return undefined;
  const { hold, moves, good } = before.traffic;
  const takenBack = moves[0]?.kind === "rollback";
  if (hold !== null && move.kind !== "rollback" && (CAREFUL.has(move.kind) || takenBack))
    return `a ${move.kind} moved a held endpoint (epoch ${move.epoch})`;
  const grown = Object.keys(move.to).filter((version) => (move.to[version] ?? 0) > (move.from[version] ?? 0));
  if (grown.length !== 1) return `epoch ${move.epoch} gives more to ${grown.length} versions`;
  if (move.kind === "rollback") return rollbackProblem(move, good, after.traffic);
  if (!CAREFUL.has(move.kind)) return undefined;
  const late = endedProblem(move, standing);
  if (late !== undefined) return late;
  for (const [backend, version] of servedVersions(ENDPOINT, after)) {
    const grew = (move.to[version] ?? 0) > (move.from[version] ?? 0);
    const state = standing.stateOf(backend, move.epoch);
    if (grew && NEVER_READY.has(state))
      return `epoch ${move.epoch} gives traffic to ${backend}, which is ${state}`;
  }
  return undefined;
}

/** What is wrong with a write, if anything. */
export function trafficProblem(
  before: TrafficDocument = EMPTY_TRAFFIC,
  after: TrafficDocument,
  standing: Standing,
): string | undefined {
  const [from, to] = [before.traffic.epoch, after.traffic.epoch];
  if (to === from + 1) return moveProblem(before, after, standing);
  if (to !== from) return `the epoch went from ${from} to ${to}`;
  if (JSON.stringify(before.weights) !== JSON.stringify(after.weights))
    return `weights changed and the epoch stayed ${from}`;
  return undefined;
}
