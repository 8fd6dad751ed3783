// Something reached the default branch: the configuration is now what it says, and every touched stack is applied.
import { endpoint } from "../../shared/domain/endpoint.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { formatName } from "../../shared/domain/names.ts";
import type { ResolvedEndpoint } from "../../shared/domain/resolved-configuration.ts";
import type { SourceProblem } from "../../shared/domain/source-problem.ts";
import { stack } from "../../shared/domain/stack.ts";
import { record } from "../../shared/runtime/record.ts";
import { advanceStack, applyName } from "./applies.ts";
import { reportConfiguration } from "./checks.ts";
import { type StackChange, readChange } from "./configuration.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { stackSettings } from "./settings.ts";
import { pullRequestPlanKey } from "./view-of-pull-requests.ts";
import { closurePlanKey } from "./views.ts";

/** A commit that is now on the default branch. */
export interface MergedChange {
  readonly repository: string;
  /** What the branch was before; undefined when the branch is new: then the configuration is read and nothing is applied. */
  readonly base: string | undefined;
  readonly mergeCommit: string;
  readonly pullRequest: number | undefined;
  readonly cause: string;
}

/** A merge with its place in the order of merges: the commits on the way back by first parent. */
type OrderedChange = MergedChange & { readonly mergeOrder: number };

/** The reviewed plan: of exactly this content if there is one, else the newest of this pull request. */
async function reviewedPlan(
  { views }: ProvisionerPorts,
  merged: MergedChange,
  { stack, closureDigest }: StackChange,
): Promise<string | undefined> {
  const name = `stacks/${stack.name}`;
  const same = await views.get(
    "plansByClosure",
    closurePlanKey(merged.repository, name, closureDigest, stack.configDigest),
  );
  if (same !== undefined) return same["plan"] as string;
  if (merged.pullRequest === undefined) return undefined;
  const latest = await views.get(
    "plansByPullRequest",
    pullRequestPlanKey(merged.repository, merged.pullRequest, name),
  );
  return latest?.["plan"] as string | undefined;
}

/** Configures endpoints and stacks, then asks for an apply of every touched stack, dependencies first. */
export async function mergedChange(ports: ProvisionerPorts, merged: MergedChange): Promise<void> {
  const { repository, mergeCommit } = merged;
  const [change, { firstParentCount }] = await Promise.all([
    readChange(ports.codeHost, repository, merged.base, mergeCommit),
    ports.codeHost.history(repository, mergeCommit, mergeCommit),
  ]);
  const problems: SourceProblem[] = change.kind === "invalid" ? [...change.problems] : [];
  if (change.kind === "change") {
    const ordered = { ...merged, mergeOrder: firstParentCount };
    const reviewed = Promise.all(change.stacks.map((each) => reviewedPlan(ports, merged, each)));
    // A failure counts where it is awaited.
    reviewed.catch(() => undefined);
    // Side by side, so that they share a commit: each has a stream of its own.
    const refused = await Promise.all([
      ...change.configuration.endpoints.map((each) => configureEndpoint(ports, ordered, each)),
      ...change.branch.map((each) =>
        owned(() => configureStack(ports, ordered, each.name, stackSettings(each))),
      ),
    ]);
    problems.push(...refused.flat());
    if (merged.base !== undefined && problems.length === 0) {
      const plans = await reviewed;
      await requestApplies(ports, ordered, change.stacks, plans);
      await advanceAtOnce(ports, change.stacks, plans);
    }
  }
  await reportConfiguration(ports, {
    repository,
    commit: mergeCommit,
    problems,
    stacks: change.kind === "change" ? change.stacks.map(({ name }) => name) : [],
  });
}

/** Turns a refusal for the owner's sake into a problem of the configuration; everything else goes on. */
async function owned(configure: () => Promise<void>): Promise<readonly SourceProblem[]> {
  try {
    await configure();
    return [];
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "ALREADY_EXISTS") throw error;
    return [
      { file: ".signalbox.yaml", line: 1, column: 1, what: error.message, remedy: "Choose another name." },
    ];
  }
}

async function configureStack(
  ports: ProvisionerPorts,
  merged: OrderedChange,
  name: string,
  settings: ReturnType<typeof stackSettings>,
): Promise<void> {
  await record(ports, stack, {
    stream: formatName("stack", { stack: name }),
    cause: `${merged.cause}/configure`,
    input: {
      kind: "configure",
      settings: {
        repository: merged.repository,
        commit: merged.mergeCommit,
        mergeOrder: merged.mergeOrder,
        ...settings,
      },
    },
    actor: ACTOR,
  });
}

function configureEndpoint(
  ports: ProvisionerPorts,
  merged: OrderedChange,
  declared: ResolvedEndpoint,
): Promise<readonly SourceProblem[]> {
  const { team, name, serving, rollout, standbyMs, presence } = declared;
  if (presence === "removed") return Promise.resolve([]);
  return owned(async () => {
    await record(ports, endpoint, {
      stream: formatName("endpoint", { team, endpoint: name }),
      cause: `${merged.cause}/configure`,
      input: {
        kind: "configure",
        settings: {
          repository: merged.repository,
          commit: merged.mergeCommit,
          mergeOrder: merged.mergeOrder,
          serving: {
            ...(serving.manifests === undefined ? {} : { manifests: serving.manifests }),
            parameters: { ...serving.parameters },
            ...(serving.local === undefined
              ? {}
              : { local: { command: [...serving.local.command], readiness: serving.local.readiness } }),
            directory: serving.manifests ?? ".",
          },
          rollout,
          standbyMs,
        },
      },
      actor: ACTOR,
    });
  });
}

async function requestApplies(
  ports: ProvisionerPorts,
  merged: OrderedChange,
  stacks: readonly StackChange[],
  reviewedPlans: readonly (string | undefined)[],
): Promise<void> {
  const { repository, mergeCommit, mergeOrder, pullRequest } = merged;
  const nameOf = (id: string): string => applyName(repository, mergeCommit, `stacks/${id}`, 1);
  for (const [index, each] of stacks.entries()) {
    const reviewed = reviewedPlans[index];
    await record(ports, stack, {
      stream: formatName("stack", { stack: each.stack.name }),
      cause: `${merged.cause}/apply`,
      // Which reviewed plan is known may differ between two tries of the same delivery; the merge may not.
      inputHash: nameOf(each.stack.name),
      input: {
        kind: "request-apply",
        request: {
          apply: nameOf(each.stack.name),
          repository,
          ...(pullRequest === undefined ? {} : { pullRequest }),
          mergeCommit,
          mergeOrder,
          ...(reviewed === undefined ? {} : { plan: reviewed }),
          after: each.after.map(nameOf),
          closureDigest: each.closureDigest,
        },
      },
      actor: ACTOR,
    });
  }
}

/** Moves on what was just requested, without waiting to be told so. Whatever goes wrong here, the facts of the requests make good. */
async function advanceAtOnce(
  ports: ProvisionerPorts,
  stacks: readonly StackChange[],
  reviewedPlans: readonly (string | undefined)[],
): Promise<void> {
  for (const [index, { stack: changed }] of stacks.entries()) {
    const name = formatName("stack", { stack: changed.name });
    try {
      await advanceStack(ports, name, reviewedPlans[index]);
    } catch (error) {
      ports.log.info({ stack: name, error }, "apply not advanced at once, left to the fact of its request");
    }
  }
}
