// Rollouts as people see them: where one stands, what the judge said last, and when each step came.
import type { AnyFact } from "../../shared/domain/fact.ts";
import { readMoveCause } from "../../shared/domain/rollout-name.ts";
import { ROLLOUT_STATES } from "../../shared/domain/rollout-state.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { ReadView } from "../../shared/runtime/project.ts";
import { ROLLOUTS } from "./view-names.ts";

/** Steps that a document lists; a policy has at most 20. */
const STEPS_LISTED_MAX = 25;

type Change = ViewDocument | undefined;

/** Time of the newest fact that a document is made of: facts of different streams arrive in any order. */
export function latestTime(before: ViewDocument, { time }: AnyFact): string {
  const known = before["updateTime"];
  return typeof known === "string" && known > time ? known : time;
}

interface ListedStep extends ViewDocument {
  readonly epoch: number;
}

const listedSteps = (document: ViewDocument): readonly ListedStep[] =>
  (document["steps"] as readonly ListedStep[] | undefined) ?? [];

/** The steps with what another fact tells of one; the move and its record may come in either order, and the record says more. */
function withStep(before: ViewDocument, told: ListedStep): readonly ListedStep[] {
  const steps = listedSteps(before);
  const known = steps.find(({ epoch }) => epoch === told.epoch);
  return [...steps.filter((step) => step !== known), { ...known, ...told }]
    .toSorted((one, other) => one.epoch - other.epoch)
    .slice(-STEPS_LISTED_MAX);
}

/** The rollout that a fact tells of; a move of traffic tells of the one that made it as a step. */
function rolloutNamed(fact: AnyFact): string | undefined {
  if (fact.type.startsWith("rollout.") || fact.type.startsWith("release.")) return fact.subject;
  if (fact.type !== "traffic.moved") return undefined;
  const cause = readMoveCause(fact.data.moveCause);
  return cause?.purpose.kind === "step" ? cause.rollout : undefined;
}

function ended(before: ViewDocument, time: string, change: ViewDocument): ViewDocument {
  const { startTime } = before;
  const durationMs = typeof startTime === "string" ? Date.parse(time) - Date.parse(startTime) : undefined;
  return { ...change, endTime: time, ...(durationMs === undefined ? {} : { durationMs }) };
}

function started(fact: AnyFact & { type: "rollout.started" }): ViewDocument {
  const { previous, policy, deadline, repository, commit, standbyMs } = fact.data;
  const release = { state: "PREPARING" };
  const state = ROLLOUT_STATES.started;
  return { state, previous, policy, deadline, repository, commit, standbyMs, startTime: fact.time, release };
}

/** What a fact changes in the document of its rollout; undefined: nothing. */
function changeOf(fact: AnyFact, before: ViewDocument): Change {
  switch (fact.type) {
    case "rollout.queued":
      return {
        ...fact.data,
        state: ROLLOUT_STATES.queued,
        step: -1,
        weight: 0,
        paused: false,
        override: false,
        steps: [],
      };
    case "rollout.started":
      return started(fact);
    case "release.prepared":
      return {
        release: {
          state: "READY",
          backend: fact.data.backend,
          durationMs: fact.data.durationMs,
          time: fact.time,
        },
      };
    case "release.failed": {
      const { reason, message, nextStep } = fact.data;
      return { release: { state: "FAILED", reason, message, nextStep, time: fact.time } };
    }
    case "rollout.claimed":
      return { execution: fact.data.execution };
    case "traffic.moved": {
      const { epoch, reason: evidence, to, movedAt: time } = fact.data;
      const weight = to[String(before["modelVersion"])] ?? 0;
      const recorded = listedSteps(before).find((step) => step.epoch === epoch);
      return { steps: withStep(before, { weight, time, ...recorded, epoch, evidence }) };
    }
    case "rollout.step-changed": {
      const { step, weight, epoch, override } = fact.data;
      const steps = withStep(before, { ...fact.data, time: fact.time });
      return { step, weight, epoch, override: override || before["override"] === true, steps };
    }
    case "rollout.paused":
      return { paused: fact.data.paused, pauseReason: fact.data.reason };
    case "rollout.judged":
      return { judgement: { ...fact.data, time: fact.time } };
    case "rollout.promoted": {
      const { epoch, override } = fact.data;
      return ended(before, fact.time, { state: ROLLOUT_STATES.promoted, epoch, override, weight: 100 });
    }
    case "rollout.rolled-back": {
      const { trigger, reason } = fact.data;
      const state = ROLLOUT_STATES["rolled-back"];
      return ended(before, fact.time, {
        state,
        trigger,
        reason,
        actor: fact.actor,
        weight: weightAfter(before),
      });
    }
    case "rollout.aborted": {
      const { reason } = fact.data;
      const state = ROLLOUT_STATES.aborted;
      return ended(before, fact.time, { state, reason, actor: fact.actor, weight: weightAfter(before) });
    }
    default:
      return undefined;
  }
}

/** The first version of an endpoint keeps its traffic, for there is nowhere else to send it. */
function weightAfter(before: ViewDocument): number {
  return before["previous"] === null && before["step"] === 0 ? 100 : 0;
}

/** Changes of the document of one rollout. */
export async function rolloutPuts(fact: AnyFact, read: ReadView): Promise<readonly ViewPut[]> {
  const key = rolloutNamed(fact);
  if (key === undefined) return [];
  const known = await read(ROLLOUTS, key);
  if (known === undefined && fact.type === "traffic.moved") return [];
  const before = known ?? { name: key, createTime: fact.time };
  const change = changeOf(fact, before);
  if (change === undefined) return [];
  return [
    { collection: ROLLOUTS, key, document: { ...before, ...change, updateTime: latestTime(before, fact) } },
  ];
}
