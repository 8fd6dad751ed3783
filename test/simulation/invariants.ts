// What holds after every history, and what "at rest" means.
import canonicalize from "canonicalize";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { isApproved, plan } from "../../shared/domain/plan.ts";
import { runningApply, stack } from "../../shared/domain/stack.ts";
import { load } from "../../shared/runtime/record.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { PROVISIONER_VIEWS } from "../../services/provisioner/views.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { ROLLOUT_VIEWS } from "../../services/rollout/views.ts";
import { ENDPOINT } from "../support/simulated-serving.ts";
import { configuration, type Developers, STACKS } from "./developers.ts";
import type { Outside } from "./outside.ts";

const FAR = "2999-01-01T00:00:00.000Z";
const ROWS_MAX = 1_000;
const COLLECTIONS: readonly string[] = [
  "stacks",
  "plans",
  "applies",
  "openBuilds",
  "waitingPlans",
  "waitingApplies",
  "plansByClosure",
  "plansByPullRequest",
  "models",
  "modelVersions",
  "lineageNodes",
  "endpoints",
  "rollouts",
  "servingIntervals",
];

/** Whether everything has come to an end, and what is still awaited otherwise. */
export interface Rest {
  readonly atRest: boolean;
  readonly waitsFor: readonly string[];
}

const listed = ({ views }: Outside, collection: string) => views.list({ collection, limit: ROWS_MAX });

/** Whether nothing is pending anywhere: receipts, outbox, timers, builds, applies, rollouts, executions. */
export async function atRest(outside: Outside, developers: Developers): Promise<Rest> {
  const { receipts, outbox, db } = outside;
  const waitsFor: string[] = [];
  const count = (what: string, found: number): void => {
    if (found > 0) waitsFor.push(`${found} ${what}`);
  };
  count("calls of people", developers.busy() ? 1 : 0);
  count("pending receipts", (await receipts.pending(ROWS_MAX)).length);
  count("facts in the outbox", (await outbox.pending(FAR, ROWS_MAX)).length);
  count("timers", (await outbox.timersDue(FAR, ROWS_MAX)).length);
  for (const collection of ["openBuilds", "waitingPlans", "waitingApplies"])
    for (const { key } of await listed(outside, collection)) waitsFor.push(`${collection} ${key}`);
  const rollouts = await listed(outside, "rollouts");
  for (const { key, document } of rollouts)
    if (["QUEUED", "RUNNING"].includes(String(document["state"])))
      waitsFor.push(`${key} is ${String(document["state"])}`);
  count("executions", db.rows("SELECT 1 FROM executions WHERE state = 'ACTIVE'").length);
  return { atRest: waitsFor.length === 0, waitsFor };
}

const ENDS: ReadonlySet<string> = new Set(["rollout.promoted", "rollout.rolled-back", "rollout.aborted"]);

/** Each rollout ends once, in one way; nothing of it moves after its end. */
function rolloutProblems(facts: readonly AnyFact[]): readonly string[] {
  const problems: string[] = [];
  const ends = new Map<string, string>();
  for (const fact of facts) {
    if (!fact.type.startsWith("rollout.")) continue;
    const end = ends.get(fact.subject);
    if (end !== undefined) problems.push(`${fact.subject}: ${fact.type} after ${end}`);
    if (ENDS.has(fact.type)) ends.set(fact.subject, fact.type);
  }
  return problems;
}

/** Versions of every stream go up by one from one fact to the next, or skip ignored inputs; ids are unique. */
function streamProblems(facts: readonly AnyFact[]): readonly string[] {
  const problems: string[] = [];
  const versions = new Map<string, number>();
  const ids = new Set<string>();
  for (const { id, subject, version, cause } of facts) {
    if (version <= (versions.get(subject) ?? 0)) problems.push(`${subject} goes back to version ${version}`);
    if (cause === "") problems.push(`${subject} v${version} has no cause`);
    if (ids.has(id)) problems.push(`${id} is there twice`);
    versions.set(subject, version);
    ids.add(id);
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
async function mergeProblems(outside: Outside, developers: Developers): Promise<readonly string[]> {
  const problems: string[] = [];
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
        problems.push(
          `${name} asks for ${state.settings.approvals} approvals, main says ${webApprovals}: ${configuration(developers.settings()).split("\n")[2]}`,
        );
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
  const weights = await outside.weights();
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

async function dump(outside: Outside): Promise<string> {
  const parts: string[] = [];
  for (const collection of COLLECTIONS)
    for (const { key, document } of await listed(outside, collection)) {
      // Of two plans requested at the same moment either may be the newest.
      const compared = collection.startsWith("plansBy") ? document["time"] : document;
      parts.push(`${collection} ${key} ${canonicalize(compared)}`);
    }
  return parts.join("\n");
}

/** Views made again from the first fact on are the views that are there. */
async function viewProblems(outside: Outside): Promise<readonly string[]> {
  const before = await dump(outside);
  const projections = [...PROVISIONER_VIEWS, ...REGISTRY_VIEWS, ...ROLLOUT_VIEWS];
  await createProjector(outside, projections).rebuild();
  const after = await dump(outside);
  if (before === after) return [];
  const kept = new Set(after.split("\n"));
  const made = new Set(before.split("\n"));
  const first = [...made].find((line) => !kept.has(line));
  const second = [...kept].find((line) => !made.has(line));
  return [`a rebuild changes the views:\n  was ${first}\n  is  ${second}`];
}

/** No node is its own ancestor. */
async function lineageProblems(outside: Outside): Promise<readonly string[]> {
  const nodes = await listed(outside, "lineageNodes");
  return nodes
    .filter(({ key, document }) => Object.hasOwn(document["ancestors"] as object, key))
    .map(({ key }) => `${key} is its own ancestor`);
}

/** Everything that is wrong after a history that has come to rest. */
export async function safetyProblems(outside: Outside, developers: Developers): Promise<readonly string[]> {
  const { facts, deadLetters, receipts } = outside;
  const letters = await deadLetters.list(ROWS_MAX);
  const settled = (await receipts.list(ROWS_MAX)).filter(({ outcome }) => outcome !== undefined);
  const known = new Set(settled.map(({ guid }) => guid));
  return [
    ...letters.letters.map(({ id, reason, message }) => `dead letter ${id}: ${reason} ${message}`),
    ...[...developers.accepted]
      .filter((guid) => !known.has(guid))
      .map((guid) => `${guid} was accepted and never settled`),
    ...settled
      .filter(({ outcome }) => outcome?.outcome !== "accepted")
      .map(({ guid, outcome }) => `${guid} was ${outcome?.outcome}: ${outcome?.reason}`),
    ...streamProblems(facts),
    ...rolloutProblems(facts),
    ...applyProblems(facts),
    ...(await mergeProblems(outside, developers)),
    ...(await trafficProblems(outside)),
    ...(await lineageProblems(outside)),
    ...(await viewProblems(outside)),
  ];
}
