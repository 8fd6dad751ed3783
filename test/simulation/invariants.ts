// What holds after every history, and what "at rest" means.
import canonicalize from "canonicalize";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { isApproved, plan } from "../../shared/domain/plan.ts";
import { runningApply, stack } from "../../shared/domain/stack.ts";
import { load } from "../../shared/runtime/record.ts";
import { ENDPOINT } from "../support/simulated-serving.ts";
import { STACKS } from "./developers.ts";
import type { People } from "./people.ts";
import { outboxProblems, secretProblems, streamProblems } from "./invariants-of-ledger.ts";
import { openPlanProblems } from "./invariants-of-plans.ts";
import { runProblems } from "./invariants-of-runs.ts";
import { lineageProblems, viewProblems } from "./invariants-of-views.ts";
import type { Outside } from "./outside.ts";
import { ROLLOUT_ENDS } from "./traffic-law.ts";

const ROWS_MAX = 1_000;

/** Each rollout ends once, in one way; nothing of it moves after its end. */
function rolloutProblems(facts: readonly AnyFact[]): readonly string[] {
  const problems: string[] = [];
  const ends = new Map<string, string>();
  for (const fact of facts) {
    if (!fact.type.startsWith("rollout.")) continue;
    const end = ends.get(fact.subject);
    if (end !== undefined) problems.push(`${fact.subject}: ${fact.type} after ${end}`);
    if (ROLLOUT_ENDS.has(fact.type)) ends.set(fact.subject, fact.type);
  }
  return problems;
}

/** What an apply was started with, at the moment of its start: approved, and one at a time. */
function applyProblems(facts: readonly AnyFact[]): readonly string[] {
  const problems: string[] = [];
  const plans = new Map<string, ReturnType<typeof plan.evolve>>();
  const stacks = new Map<string, ReturnType<typeof stack.evolve>>();
  for (const fact of facts) {
    if (fact.type.startsWith("plan.")) {
      const known = plans.get(fact.subject) ?? plan.initial;
      plans.set(fact.subject, plan.evolve(known, fact as FactOf<"plan.requested">));
    }
    if (!fact.type.startsWith("stack.") && !fact.type.startsWith("apply.")) continue;
    const before = stacks.get(fact.subject) ?? stack.initial;
    if (fact.type === "apply.started") {
      const { apply, plan: name, digest } = fact.data;
      if (runningApply(before) !== undefined)
        problems.push(`${apply} starts while ${runningApply(before)?.request.apply} runs`);
      const chosen = plans.get(name);
      const reviewed = plans.get(before.applies.get(apply)?.request.plan ?? "");
      const same = reviewed !== undefined && reviewed.finished?.digest === digest && isApproved(reviewed);
      if (chosen === undefined || !(isApproved(chosen) || same))
        problems.push(`${apply} starts with ${name}, which nobody approved`);
      if (chosen?.finished?.digest !== digest) problems.push(`${apply} starts with another digest`);
    }
    stacks.set(fact.subject, stack.evolve(before, fact as FactOf<"stack.configured">));
  }
  return problems;
}

/** Every merge is settled on every stack that it touches, and what was applied last is what is deployed. */
async function mergeProblems(outside: Outside, { developers }: People): Promise<readonly string[]> {
  const problems: string[] = [];
  if (!outside.shape.provisioning) return problems;
  for (const id of STACKS) {
    const name = `stacks/${id}`;
    const { state } = await load(outside.ledger, stack, name);
    const applies = [...state.applies.values()];
    for (const { commit, stacks } of developers.merges) {
      if (!stacks.includes(id)) continue;
      const its = applies.filter(({ request }) => request.mergeCommit === commit);
      if (its.length === 0) problems.push(`${name}: no apply of the merge ${commit}`);
    }
    for (const apply of applies)
      if (apply.state === "waiting" || apply.state === "running")
        problems.push(`${apply.request.apply} is ${apply.state}`);
    const last = applies
      .filter(({ failure }) => failure?.reason !== "SUPERSEDED")
      .toSorted((one, other) => one.request.mergeOrder - other.request.mergeOrder)
      .at(-1);
    const content = outside.builds.deployed(name);
    if (last?.state === "finished" && content !== last.request.closureDigest)
      problems.push(`${name} has ${content}, not what its newest apply ${last.request.apply} brought`);
    const newest = developers.merges.findLast(({ stacks }) => stacks.includes(id));
    if (last !== undefined && newest !== undefined && last.request.mergeOrder < newest.order)
      problems.push(`${name}: the newest merge ${newest.commit} was superseded by an older one`);
    if (state.settings !== undefined && id === "web") {
      const { webApprovals } = developers.settings();
      if (state.settings.approvals !== webApprovals)
        problems.push(`${name} asks for ${state.settings.approvals} approvals, main says ${webApprovals}`);
    }
  }
  return problems;
}

/** The record of traffic equals the document: every epoch once, none missing, the last weights the same. */
async function trafficProblems(outside: Outside): Promise<readonly string[]> {
  const { facts } = await outside.ledger.read(ENDPOINT);
  const moves = facts.flatMap((fact) => (fact.type === "traffic.moved" ? [fact.data] : []));
  const epochs = moves.map(({ epoch }) => epoch).toSorted((one, other) => one - other);
  const document = await outside.document();
  const last = document?.traffic.epoch ?? 0;
  const problems: string[] = [];
  if (epochs.join() !== Array.from({ length: last }, (_, index) => index + 1).join())
    problems.push(`epochs on record are ${epochs.join()}, the document is at ${last}`);
  const view = await outside.views.get("endpoints", ENDPOINT);
  const weights = await outside.versionWeights();
  if (last > 0 && canonicalize(view?.["weights"]) !== canonicalize(weights))
    problems.push(
      `the view says ${JSON.stringify(view?.["weights"])}, the document ${JSON.stringify(weights)}`,
    );
  const held = (document?.traffic.hold ?? null) !== null;
  if (view !== undefined && view["held"] !== held)
    problems.push(`the view says held ${String(view["held"])}, the document ${held}`);
  const sum = Object.values(weights).reduce((one, other) => one + other, 0);
  if (last > 0 && sum !== 100) problems.push(`the weights add up to ${sum}`);
  return problems;
}

/** Everything that is wrong after a history that has come to rest. */
export async function safetyProblems(outside: Outside, people: People): Promise<readonly string[]> {
  const { facts, deadLetters, receipts } = outside;
  const letters = await deadLetters.list(ROWS_MAX);
  const settled = (await receipts.list(ROWS_MAX)).filter(({ outcome }) => outcome !== undefined);
  const known = new Set(settled.map(({ guid }) => guid));
  return [
    ...letters.letters.map(({ id, reason, message }) => `dead letter ${id}: ${reason} ${message}`),
    ...[...people.developers.github.accepted]
      .filter((guid) => !known.has(guid))
      .map((guid) => `${guid} was accepted and never settled`),
    ...settled
      .filter(({ outcome }) => outcome?.outcome !== "accepted")
      .map(({ guid, outcome }) => `${guid} was ${outcome?.outcome}: ${outcome?.reason}`),
    ...streamProblems(outside),
    ...outboxProblems(outside),
    ...secretProblems(facts),
    ...runProblems(outside),
    ...openPlanProblems(outside, people.developers),
    ...rolloutProblems(facts),
    ...applyProblems(facts),
    ...(await mergeProblems(outside, people)),
    ...(await trafficProblems(outside)),
    ...(await lineageProblems(outside)),
    ...(await viewProblems(outside)),
  ];
}
