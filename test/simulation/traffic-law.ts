// What no write of a traffic document may do, whoever makes it.
import { EMPTY_TRAFFIC, type Move, type TrafficDocument } from "../../shared/domain/traffic.ts";
import { servedVersions } from "../../shared/domain/traffic.ts";
import { ENDPOINT } from "../support/simulated-serving.ts";

/** A rollback goes where it can; these kinds of move put traffic only where somebody answers. */
const CAREFUL: ReadonlySet<Move["kind"]> = new Set(["first", "advance"]);
/** States of a backend that never answered a request. */
const NEVER_READY: ReadonlySet<string> = new Set(["unknown", "preparing", "cold"]);

function moveProblem(
  before: TrafficDocument,
  after: TrafficDocument,
  stateOf: (backend: string) => string,
): string | undefined {
  const [move] = after.traffic.moves;
  if (move === undefined || move.epoch !== after.traffic.epoch) return "a move is not listed";
  if (!CAREFUL.has(move.kind)) return undefined;
  if (before.traffic.hold !== null) return `a ${move.kind} moved a held endpoint (epoch ${move.epoch})`;
  for (const [backend, version] of servedVersions(ENDPOINT, after)) {
    const grew = (move.to[version] ?? 0) > (move.from[version] ?? 0);
    if (grew && NEVER_READY.has(stateOf(backend)))
      return `epoch ${move.epoch} gives traffic to ${backend}, which is ${stateOf(backend)}`;
  }
  return undefined;
}

/** What is wrong with a write, if anything. */
export function trafficProblem(
  before: TrafficDocument = EMPTY_TRAFFIC,
  after: TrafficDocument,
  stateOf: (backend: string) => string,
): string | undefined {
  const [from, to] = [before.traffic.epoch, after.traffic.epoch];
  if (to === from + 1) return moveProblem(before, after, stateOf);
  if (to !== from) return `the epoch went from ${from} to ${to}`;
  if (JSON.stringify(before.weights) !== JSON.stringify(after.weights))
    return `weights changed and the epoch stayed ${from}`;
  return undefined;
}
