// A pull request was opened or changed: plan what its test merge would give, for every stack that it touches.
import type { Fact } from "../../shared/domain/fact.ts";
import { shortHash } from "../../shared/domain/fact.ts";
import { formatName } from "../../shared/domain/names.ts";
import { endpoint as endpointDecider } from "../../shared/domain/endpoint.ts";
import { plan } from "../../shared/domain/plan.ts";
import type { SourceProblem } from "../../shared/domain/source-problem.ts";
import { stack } from "../../shared/domain/stack.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { reportConfiguration } from "./checks.ts";
import { type Change, type StackChange, readChange } from "./configuration.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { stackSettings } from "./settings.ts";

type PullRequest = NonNullable<Fact<"delivery.received">["data"]["pullRequest"]>;

/** The plan of exactly this content: a redelivery names the same plan, a new commit another. */
function planName(repository: string, pull: PullRequest, { stack, closureDigest }: StackChange): string {
  const plan = shortHash(
    repository,
    String(pull.number),
    pull.headCommit,
    pull.baseCommit,
    stack.name,
    stack.configDigest,
    closureDigest,
  );
  return formatName("plan", { stack: stack.name, plan });
}

/** Problems that only the ledger knows: a stack or an endpoint that another repository owns. */
async function ownershipProblems(
  ports: ProvisionerPorts,
  repository: string,
  change: Extract<Change, { kind: "change" }>,
): Promise<readonly SourceProblem[]> {
  const problems: SourceProblem[] = [];
  const owned = (what: string, owner: string): void => {
    problems.push({
      file: ".signalbox.yaml",
      line: 1,
      column: 1,
      what: `${what} belongs to the repository ${owner}.`,
      remedy: "Choose another name.",
    });
  };
  for (const each of change.configuration.stacks) {
    const { state } = await load(ports.ledger, stack, `stacks/${each.name}`);
    if (state.settings !== undefined && state.settings.repository !== repository)
      owned(`stacks/${each.name}`, state.settings.repository);
  }
  for (const each of change.configuration.endpoints) {
    const name = formatName("endpoint", { team: each.team, endpoint: each.name });
    const { state } = await load(ports.ledger, endpointDecider, name);
    const owner = state.settings?.repository;
    if (owner !== undefined && owner !== repository) owned(name, owner);
  }
  return problems;
}

/** A pull request that is to be planned, and what led to that. */
export interface PlanningRequest {
  readonly repository: string;
  readonly sender: string;
  readonly pull: PullRequest;
  readonly cause: string;
  readonly correlation: string;
}

/** Everyone whose approval does not count (DETAILS 7): author, authors and committers since the merge base, the sender. */
async function authorsOf(
  { codeHost }: ProvisionerPorts,
  { repository, sender, pull }: PlanningRequest,
): Promise<readonly string[]> {
  const { people } = await codeHost.history(repository, pull.baseCommit, pull.headCommit);
  return [...new Set([pull.author, sender, ...people])];
}

/** What is said of a branch that cannot be merged. */
function conflictProblems(paths: readonly string[]): readonly SourceProblem[] {
  // Branches without a common commit conflict everywhere and nowhere.
  const files = paths.length > 0 ? paths : [".signalbox.yaml"];
  return files.map((file) => ({
    file,
    line: 1,
    column: 1,
    what: "The branch conflicts with its base here.",
    remedy: "Merge the base branch into yours and resolve it.",
  }));
}

/** Plans every touched stack of a pull request, and says on a check what was found. */
export async function planPullRequest(ports: ProvisionerPorts, request: PlanningRequest): Promise<void> {
  const { repository, pull } = request;
  const report = (problems: readonly SourceProblem[], stacks: readonly string[]) =>
    reportConfiguration(ports, { repository, commit: pull.headCommit, problems, stacks });
  const merge = await ports.codeHost.testMerge(repository, pull.baseCommit, pull.headCommit);
  if (merge.kind === "conflict") return report(conflictProblems(merge.paths), []);
  const change = await readChange(ports.codeHost, repository, pull.baseCommit, merge.tree);
  if (change.kind === "invalid") return report(change.problems, []);
  const problems = await ownershipProblems(ports, repository, change);
  if (problems.length > 0) return report(problems, []);
  const authors = await authorsOf(ports, request);
  for (const each of change.stacks)
    await requestPlan(ports, request, { tree: merge.tree, authors, change: each });
  return report(
    [],
    change.stacks.map(({ name }) => name),
  );
}

interface PlanOf {
  readonly tree: string;
  readonly authors: readonly string[];
  readonly change: StackChange;
}

async function requestPlan(
  ports: ProvisionerPorts,
  { repository, pull, cause, correlation }: PlanningRequest,
  { tree, authors, change }: PlanOf,
): Promise<void> {
  const name = planName(repository, pull, change);
  const stackName = formatName("stack", { stack: change.stack.name });
  await record(ports, plan, {
    stream: name,
    cause,
    correlation,
    input: {
      kind: "request",
      request: {
        stack: stackName,
        repository,
        pullRequest: pull.number,
        phase: "pull-request",
        headCommit: pull.headCommit,
        baseCommit: pull.baseCommit,
        tree,
        closureDigest: change.closureDigest,
        settings: stackSettings(change.stack),
        newStack: change.stack.presence === "new",
        authors: [...authors],
      },
    },
    actor: ACTOR,
  });
}
