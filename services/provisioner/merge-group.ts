// The merge queue asks whether what it is about to merge may be merged: only if the reviewed plans still say what would happen.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Fact } from "../../shared/domain/fact.ts";
import { shortHash } from "../../shared/domain/fact.ts";
import { codeText } from "../../shared/domain/markdown.ts";
import { formatName } from "../../shared/domain/names.ts";
import { isApproved, plan } from "../../shared/domain/plan.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { reportConfiguration } from "./checks.ts";
import { type StackChange, readChange } from "./configuration.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { stackSettings } from "./settings.ts";
import { pullRequestPlanKey } from "./view-of-pull-requests.ts";
import { closurePlanKey } from "./views.ts";

type Group = NonNullable<Fact<"delivery.received">["data"]["mergeGroup"]>;

/** A group and the repository that it is in. */
interface GroupOf extends Group {
  readonly repository: string;
}

/** The plan of a group on one stack: the same for every delivery about the group. */
function groupPlanName(group: GroupOf, { stack, closureDigest }: StackChange): string {
  const { repository, headCommit, baseCommit } = group;
  const id = shortHash(
    repository,
    "merge-group",
    headCommit,
    baseCommit,
    stack.name,
    stack.configDigest,
    closureDigest,
  );
  return formatName("plan", { stack: stack.name, plan: id });
}

/** The reviewed plan: of exactly this content if there is one, else the newest of the pull request that brought the group. */
async function reviewed(ports: ProvisionerPorts, group: GroupOf, change: StackChange) {
  const { repository, pullRequest } = group;
  const stack = formatName("stack", { stack: change.stack.name });
  const key = closurePlanKey(repository, stack, change.closureDigest, change.stack.configDigest);
  const same = (await ports.views.get("plansByClosure", key))?.["plan"];
  if (typeof same === "string") return { plan: same, isSame: true };
  if (pullRequest === undefined) return undefined;
  const newest = await ports.views.get(
    "plansByPullRequest",
    pullRequestPlanKey(repository, pullRequest, stack),
  );
  const name = newest?.["plan"];
  return typeof name === "string" ? { plan: name, isSame: false } : undefined;
}

async function passSame(ports: ProvisionerPorts, group: GroupOf, stack: string, name: string): Promise<void> {
  await ports.checks.put({
    id: `merge-group/${group.headCommit}/${stack}`,
    repository: group.repository,
    commit: group.headCommit,
    name: `signalbox/plan (${stack})`,
    status: "completed",
    conclusion: "success",
    title: "as reviewed",
    summary: `The files of the stack are those of the approved plan ${codeText(name)}.`,
    annotations: [],
    updatedAt: ports.clock.now().toISOString(),
  });
}

async function checkStack(
  ports: ProvisionerPorts,
  fact: Fact<"delivery.received">,
  group: GroupOf,
  change: StackChange,
): Promise<void> {
  const known = await reviewed(ports, group, change);
  const before = known === undefined ? undefined : (await load(ports.ledger, plan, known.plan)).state;
  if (known?.isSame === true && before !== undefined && isApproved(before))
    return passSame(ports, group, change.stack.name, known.plan);
  await record(ports, plan, {
    stream: groupPlanName(group, change),
    cause: fact.id,
    correlation: fact.correlation,
    // Which plan was reviewed may differ between two tries of one delivery.
    inputHash: group.headCommit,
    input: {
      kind: "request",
      request: {
        stack: formatName("stack", { stack: change.stack.name }),
        repository: group.repository,
        phase: "pull-request",
        headCommit: group.headCommit,
        baseCommit: group.baseCommit,
        tree: group.headCommit,
        closureDigest: change.closureDigest,
        settings: stackSettings(change.stack),
        newStack: change.stack.presence === "new",
        authors: [...(before?.request?.authors ?? [])],
        ...(known === undefined ? {} : { repeats: known.plan }),
      },
    },
    actor: ACTOR,
  });
}

async function giveUp(ports: ProvisionerPorts, by: string, name: string): Promise<void> {
  await record(ports, plan, {
    stream: name,
    cause: `superseded/${by}`,
    input: { kind: "supersede", by, reason: "the merge queue has given the group up" },
    actor: ACTOR,
  });
}

/** Plans what the queue would merge, or stops doing so. The plans' checks on the group's head are what the queue waits for. */
export async function receiveMergeGroup(
  ports: ProvisionerPorts,
  fact: Fact<"delivery.received">,
): Promise<void> {
  const { repository, mergeGroup, action } = fact.data;
  if (mergeGroup === undefined) return;
  const group = { ...mergeGroup, repository };
  const isOver = action === "destroyed";
  const change = await readChange(ports.codeHost, repository, group.baseCommit, group.headCommit).catch(
    (error: unknown) => {
      // The queue's branch goes with the group, and its commits may be gone before we hear of it.
      if (isOver && error instanceof ControlPlaneError && error.code === "NOT_FOUND") return undefined;
      throw error;
    },
  );
  if (change === undefined) return;
  const stacks = change.kind === "change" ? change.stacks : [];
  if (isOver) {
    for (const each of stacks) await giveUp(ports, fact.subject, groupPlanName(group, each));
    return;
  }
  for (const each of stacks) await checkStack(ports, fact, group, each);
  await reportConfiguration(ports, {
    repository,
    commit: group.headCommit,
    problems: change.kind === "invalid" ? change.problems : [],
    stacks: stacks.map(({ name }) => name),
  });
}
