// Says on checks what became of plans and applies. Always rendered from folded state: repeating it changes nothing.
import { failureCheckText, countsText, planCheckText } from "../../shared/domain/check-text.ts";
import { codeBlock, codeText, joinWithin, plainText } from "../../shared/domain/markdown.ts";
import { type CanonicalPlan, type PlanDifference, planDifference } from "../../shared/domain/plan-digest.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { type PlanState, isApproved, plan } from "../../shared/domain/plan.ts";
import { type SourceProblem, formatProblem } from "../../shared/domain/source-problem.ts";
import { type ApplyState, stack, type StackState } from "../../shared/domain/stack.ts";
import type { Check } from "../../shared/ports/checks.ts";
import { load } from "../../shared/runtime/record.ts";
import type { ProvisionerPorts } from "./ports.ts";

/** Annotations of one check: GitHub takes 50 in a request. */
const ANNOTATIONS_MAX = 50;
/** Characters of an annotation: GitHub takes 64 KB, and a provider may quote the whole answer of an API. */
export const ANNOTATION_LENGTH_MAX = 20_000;

/** What is said about one plan or apply. */
export type Body = Pick<Check, "status" | "title" | "summary"> &
  Partial<Pick<Check, "conclusion" | "annotations">>;

const GONE: ReadonlySet<string> = new Set(["NOT_FOUND", "PERMISSION_DENIED"]);

/** A problem at a line, as long as the code host takes it: the whole of it stands in the log. */
const annotation = (path: string, line: number, said: string): Check["annotations"][number] => {
  const message = said.length <= ANNOTATION_LENGTH_MAX ? said : `${said.slice(0, ANNOTATION_LENGTH_MAX)} …`;
  // What was cut may end in half a character.
  return { path, line, message: message.toWellFormed() };
};

/** A stack's name as people know it. */
export const stackId = (name: string): string => name.slice("stacks/".length);

async function put(
  ports: ProvisionerPorts,
  id: string,
  where: { repository: string; commit: string; name: string; path?: string },
  body: Body,
): Promise<void> {
  const { path, ...rest } = where;
  const check: Check = {
    id,
    ...rest,
    annotations: [],
    ...body,
    ...(path === undefined ? {} : { detailsUrl: `${ports.url}/v1/${path}` }),
    updatedAt: ports.clock.now().toISOString(),
  };
  await shown(ports, { check: id, repository: where.repository }, () => ports.checks.put(check));
}

/** Shows something on the code host, unless we may no longer speak there: then nobody misses what cannot be shown. */
export async function shown(
  { log }: Pick<ProvisionerPorts, "log">,
  fields: Readonly<Record<string, unknown>>,
  show: () => Promise<void>,
): Promise<void> {
  try {
    await show();
  } catch (error) {
    // The repository is gone or was taken away from us, or the conversation is locked.
    if (!(error instanceof ControlPlaneError) || !GONE.has(error.code)) throw error;
    log.warn({ ...fields, error }, "What happened cannot be shown on the code host.");
  }
}

/** What differs from the plan that was reviewed, read from the canonical plans of both. */
async function differenceOf(ports: ProvisionerPorts, state: PlanState): Promise<PlanDifference | undefined> {
  const { repeats } = state.request ?? {};
  if (repeats === undefined || state.finished === undefined) return undefined;
  const { state: reviewed } = await load(ports.ledger, plan, repeats);
  if (reviewed.finished === undefined) return undefined;
  const read = async (blob: string): Promise<CanonicalPlan> =>
    JSON.parse(new TextDecoder().decode(await ports.blobs.get(blob)));
  return planDifference(
    await read(reviewed.finished.canonicalBlob),
    await read(state.finished.canonicalBlob),
  );
}

async function readyBody(ports: ProvisionerPorts, name: string, state: PlanState): Promise<Body> {
  const { request, finished } = state;
  if (request === undefined || finished === undefined)
    throw new Error(`${name} is ready but was never finished`);
  const difference = await differenceOf(ports, state);
  const text = planCheckText({
    ...finished,
    plan: name,
    stack: request.stack,
    terraformVersion: finished.inputs.terraformVersion,
    stateSerial: finished.inputs.stateSerial,
    approvals: {
      required: finished.approvalsRequired,
      reason: finished.approvalReason,
      given: state.approvals,
    },
    authors: request.authors,
    selfApproval: request.settings.selfApproval,
    ...(difference === undefined ? {} : { difference }),
  });
  return { status: "completed", conclusion: isApproved(state) ? "success" : "action_required", ...text };
}

/** What a plan's check says. */
export async function planBody(ports: ProvisionerPorts, name: string, state: PlanState): Promise<Body> {
  switch (state.phase) {
    case "failed": {
      const problems = state.failure?.problems ?? [];
      const { reason = "INTERNAL", message = "", nextStep = "" } = state.failure ?? {};
      const text = failureCheckText({
        stack: state.request?.stack ?? "",
        reason,
        message,
        nextStep,
        resources: [],
        problems,
      });
      const annotations = problems.map(({ path, line, message: what }) => annotation(path, line, what));
      return { status: "completed", conclusion: "failure", ...text, annotations };
    }
    case "ready":
      return readyBody(ports, name, state);
    case "superseded":
      return {
        status: "completed",
        conclusion: "neutral",
        title: "superseded",
        summary: "A newer commit of this pull request is planned instead.",
      };
    case "planning":
      return { status: "in_progress", title: "planning", summary: "Terraform is making the plan." };
    case "requested":
    case "absent":
      return { status: "queued", title: "queued", summary: "The plan waits for a free build." };
  }
}

/** Puts the check of a plan as it stands now: on the pull request's head, or on the merge commit when it was made again. */
export async function reportPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, plan, name);
  if (state.request === undefined) return;
  const { repository, headCommit, stack: of, phase } = state.request;
  const title = phase === "merge" ? "plan after the merge" : "plan";
  const where = { repository, commit: headCommit, name: `signalbox/${title} (${stackId(of)})`, path: name };
  await put(ports, name, where, await planBody(ports, name, state));
}

function outputsText(apply: ApplyState): string {
  const outputs = apply.finished?.outputs ?? [];
  if (outputs.length === 0) return "No outputs.";
  const lines = outputs.map(
    ({ name, sensitive, value }) => `${name} = ${sensitive ? "(sensitive)" : JSON.stringify(value)}`,
  );
  return codeBlock(lines.join("\n"));
}

function applyBody(stackName: string, apply: ApplyState, blocked: string | undefined): Body {
  switch (apply.state) {
    case "waiting":
      return {
        status: "queued",
        title: "waiting",
        summary:
          "The apply waits: for its turn, for a stack that it depends on, or for the approval of its plan.",
      };
    case "running":
      return {
        status: "in_progress",
        title: "applying",
        summary: `Terraform applies ${codeText(apply.started?.digest ?? "")}.`,
      };
    case "finished": {
      const counts = countsText(
        apply.finished?.counts ?? { create: 0, update: 0, replace: 0, delete: 0, read: 0 },
      );
      const facts = `**Stack** ${codeText(stackName)}: applied (${counts}).  \nPlan ${codeText(apply.started?.digest ?? "")} · state serial ${apply.finished?.stateSerial ?? -1}`;
      return {
        status: "completed",
        conclusion: "success",
        title: `applied: ${counts}`,
        summary: joinWithin([facts, outputsText(apply)]),
      };
    }
    case "failed": {
      const { reason = "INTERNAL", message = "", nextStep = "" } = apply.failure ?? {};
      if (reason === "SUPERSEDED")
        return {
          status: "completed",
          conclusion: "neutral",
          title: "superseded",
          summary: plainText(message),
        };
      const text = failureCheckText({
        stack: stackName,
        reason,
        message,
        nextStep,
        resources: [],
        problems: [],
      });
      return { status: "completed", conclusion: "failure", ...text };
    }
    case "interrupted":
      return {
        status: "completed",
        conclusion: "failure",
        title: "interrupted: someone must look",
        summary: plainText(blocked ?? "The stack was unblocked since."),
      };
  }
}

/** What an apply's check says. Undefined for an apply that the stack does not know. */
export function applyReport(stackName: string, state: StackState, name: string): Body | undefined {
  const apply = state.applies.get(name);
  if (apply === undefined) return undefined;
  if (apply.state !== "interrupted" || state.interrupted?.apply !== name)
    return applyBody(stackName, apply, state.blocked?.reason);
  const { resources, message, nextStep } = state.interrupted;
  const text = failureCheckText({
    stack: stackName,
    reason: "INTERRUPTED",
    message,
    nextStep,
    resources,
    problems: [],
  });
  return { status: "completed", conclusion: "failure", ...text };
}

/** Puts the check of an apply as it stands now, on the merge commit. */
export async function reportApply(ports: ProvisionerPorts, stackName: string, name: string): Promise<void> {
  const { state } = await load(ports.ledger, stack, stackName);
  const apply = state.applies.get(name);
  const body = applyReport(stackName, state, name);
  if (apply === undefined || body === undefined) return;
  const { repository, mergeCommit } = apply.request;
  await put(
    ports,
    name,
    { repository, commit: mergeCommit, name: `signalbox/apply (${stackId(stackName)})`, path: name },
    body,
  );
}

/** Says on a commit whether its configuration can be read and which stacks it touches. */
export async function reportConfiguration(
  ports: ProvisionerPorts,
  report: {
    readonly repository: string;
    readonly commit: string;
    readonly problems: readonly SourceProblem[];
    readonly stacks: readonly string[];
  },
): Promise<void> {
  const { repository, commit, problems, stacks } = report;
  const where = { repository, commit, name: "signalbox/configuration" };
  const touched =
    stacks.length === 0
      ? "No stack is touched."
      : `Touches ${stacks.map(codeText).join(", ")}, in this order.`;
  const body: Body =
    problems.length === 0
      ? {
          status: "completed",
          conclusion: "success",
          title: stacks.length === 0 ? "valid, no stack is touched" : `valid, ${stacks.length} to plan`,
          summary: touched,
        }
      : {
          status: "completed",
          conclusion: "failure",
          title: `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`,
          summary: joinWithin(problems.map((problem) => `- ${plainText(formatProblem(problem))}`)),
          annotations: problems
            .slice(0, ANNOTATIONS_MAX)
            .map(({ file, line, what, remedy }) => annotation(file, line, `${what} ${remedy}`)),
        };
  await put(ports, `configuration/${repository}/${commit}`, where, body);
}
