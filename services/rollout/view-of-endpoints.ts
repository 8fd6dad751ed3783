// Endpoints as people see them: weights, epoch, hold, good versions, whose turn it is, and the last moves.
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { endpointOf } from "../../shared/domain/rollout-name.ts";
import { GOOD_MAX, MOVES_MAX, soleVersion } from "../../shared/domain/traffic.ts";
import { versionsLeft } from "../../shared/domain/traffic-moves.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { ReadView } from "../../shared/runtime/project.ts";
import { ENDPOINTS, ROLLOUTS } from "./view-names.ts";
import { latestTime } from "./view-of-rollouts.ts";

interface GoodVersion {
  readonly modelVersion: string;
  /** Epoch at which it took all traffic; sorts the list, newest first. */
  readonly epoch: number;
  readonly since: string;
}

interface ListedMove {
  readonly epoch: number;
  readonly kind: string;
  readonly from: Readonly<Record<string, number>>;
  readonly to: Readonly<Record<string, number>>;
  readonly time: string;
}

/** What stands with an endpoint that versions name and no repository configures: nothing can be rolled out there. */
const UNCONFIGURED =
  "This endpoint is not configured: its newest version waits until .signalbox.yaml names it on a default branch.";

const goodOf = (document: ViewDocument): readonly GoodVersion[] =>
  (document["goodVersions"] as readonly GoodVersion[] | undefined) ?? [];
const movesOf = (document: ViewDocument): readonly ListedMove[] =>
  (document["moves"] as readonly ListedMove[] | undefined) ?? [];

const withGood = (good: readonly GoodVersion[], entry: GoodVersion): readonly GoodVersion[] =>
  [entry, ...good.filter(({ modelVersion }) => modelVersion !== entry.modelVersion)]
    .toSorted((one, other) => other.epoch - one.epoch)
    .slice(0, GOOD_MAX);

function empty(name: string, time: string): ViewDocument {
  return {
    name,
    createTime: time,
    held: false,
    hold: null,
    epoch: 0,
    weights: {},
    goodVersions: [],
    running: null,
    waiting: [],
    replacing: null,
    moves: [],
    problem: null,
    problemSince: "",
  };
}

function moved(before: ViewDocument, fact: FactOf<"traffic.moved">): ViewDocument {
  const { epoch, kind, from, to, reason, movedAt, requestId } = fact.data;
  const move = {
    epoch,
    kind,
    from,
    to,
    reason,
    actor: fact.actor,
    time: movedAt,
    ...(requestId === undefined ? {} : { requestId }),
  };
  const moves = [move, ...movesOf(before)]
    .toSorted((one, other) => other.epoch - one.epoch)
    .slice(0, MOVES_MAX);
  // A move that was missing is listed; the weights are those of the newest.
  if (epoch < Number(before["epoch"])) return { moves };
  const winner = soleVersion(to);
  const struck = kind === "rollback" ? versionsLeft({ from, to }) : [];
  const kept = goodOf(before).filter(({ modelVersion }) => !struck.includes(modelVersion));
  const known = kept.find(({ modelVersion }) => modelVersion === winner);
  // Known at this epoch: the promotion of a first version was told before the move that it came after.
  const enters = winner !== undefined && (kind === "advance" || (known !== undefined && known.epoch < epoch));
  const goodVersions = enters ? withGood(kept, { modelVersion: winner, epoch, since: movedAt }) : kept;
  return { epoch, weights: to, moves, goodVersions, ...problemSince(before, null, movedAt) };
}

/** A first version enters the good list with its promotion, which moves no traffic. */
function promoted(before: ViewDocument, fact: FactOf<"rollout.promoted">): ViewDocument | undefined {
  const { modelVersion, epoch } = fact.data;
  const good = goodOf(before);
  const left = movesOf(before).some(
    (move) => move.epoch > epoch && move.kind === "rollback" && versionsLeft(move).includes(modelVersion),
  );
  const solved = problemSince(before, null, fact.time);
  if (left || good.some((entry) => entry.modelVersion === modelVersion)) return solved;
  // A rollback to it may have been told before its promotion: that is since when it stands.
  const [back] = movesOf(before).filter(
    (move) => move.epoch > epoch && soleVersion(move.to) === modelVersion,
  );
  const stands = { modelVersion, epoch: back?.epoch ?? epoch, since: back?.time ?? fact.time };
  return { ...solved, goodVersions: withGood(good, stands) };
}

/**
 * What stands with the endpoint, or null, since then. Moves and ends of rollouts come in any order, for they are told by
 * different streams: what was last by its own time holds, not what came last.
 */
function problemSince(before: ViewDocument, problem: string | null, since: string): ViewDocument {
  const known = before["problemSince"];
  return typeof known === "string" && since < known ? {} : { problem, problemSince: since };
}

/** The first version of an endpoint that did not pass: there is nowhere to go back to, so people have to know. */
async function rejected(
  before: ViewDocument,
  fact: FactOf<"rollout.rolled-back">,
  read: ReadView,
): Promise<ViewDocument | undefined> {
  const rollout = await read(ROLLOUTS, fact.subject);
  if (rollout?.["previous"] !== null || rollout["step"] !== 0) return undefined;
  const { modelVersion, reason } = fact.data;
  const problem = `${modelVersion} was rejected and keeps its traffic, for there is no earlier version. ${reason}`;
  return problemSince(before, problem, fact.time);
}

async function changeOf(
  fact: AnyFact,
  before: ViewDocument,
  read: ReadView,
): Promise<ViewDocument | undefined> {
  switch (fact.type) {
    case "endpoint.configured": {
      const { repository, commit, serving, rollout, standbyMs } = fact.data;
      const problem = before["problem"] === UNCONFIGURED ? null : before["problem"];
      return { repository, commit, serving, rollout: rollout ?? {}, standbyMs, problem };
    }
    case "endpoint.held":
      return { held: true, hold: { ...fact.data, actor: fact.actor, time: fact.time } };
    case "endpoint.resumed":
      return { held: false, hold: null };
    case "endpoint.queue-changed": {
      const { running, waiting, replacing = null } = fact.data;
      // A rollout's end may have been told before the queue that led to it: what it said stands.
      const problem =
        before["repository"] === undefined ? (before["problem"] ?? UNCONFIGURED) : before["problem"];
      return { running, waiting, replacing, problem };
    }
    case "traffic.moved":
      return moved(before, fact);
    case "rollout.promoted":
      return promoted(before, fact);
    case "rollout.rolled-back":
      return rejected(before, fact, read);
    default:
      return undefined;
  }
}

/** Changes of the document of one endpoint, from its own facts and from the ends of its rollouts. */
export async function endpointPuts(fact: AnyFact, read: ReadView): Promise<readonly ViewPut[]> {
  const own = fact.type.startsWith("endpoint.") || fact.type.startsWith("traffic.");
  const key = own ? fact.subject : endpointOf(fact.subject);
  const before = (await read(ENDPOINTS, key)) ?? empty(key, fact.time);
  const change = await changeOf(fact, before, read);
  if (change === undefined) return [];
  return [
    { collection: ENDPOINTS, key, document: { ...before, ...change, updateTime: latestTime(before, fact) } },
  ];
}
