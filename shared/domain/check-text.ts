// What a check says: a plan in short with who must approve it, or a failure with its next step.
import { BUILD_FAILURES, isBuildFailure } from "./build-failure.ts";
import { codeBlock, codeText, joinWithin, plainText } from "./markdown.ts";
import type { PlanDifference } from "./plan-digest.ts";
import type { PlanCounts, PlannedChange } from "./plan-reading.ts";

/** Characters of one resource's lines. */
const CHANGE_LENGTH_MAX = 4_000;
/** Characters of a failure's message: its end, where the error stands. */
const MESSAGE_LENGTH_MAX = 20_000;
/** Problems that are listed. */
const PROBLEMS_MAX = 50;

/** A plan as a check shows it. */
export interface PlanForCheck {
  /** Resource name of the plan, as approvals name it. */
  readonly plan: string;
  readonly stack: string;
  readonly digest: string;
  readonly counts: PlanCounts;
  readonly changes: readonly PlannedChange[];
  readonly changesTruncated: boolean;
  readonly outputsChanged: readonly string[];
  readonly terraformVersion: string;
  readonly stateSerial: number;
  readonly approvals: {
    readonly required: number;
    /** Why that many: `it deletes or replaces resources`. */
    readonly reason: string;
    readonly given: readonly { readonly approver: string; readonly selfApproved: boolean }[];
  };
  /** Who wrote the change and may therefore not approve it. */
  readonly authors: readonly string[];
  readonly selfApproval: boolean;
  /** Against the plan that was reviewed, when this one was made again after the merge. */
  readonly difference?: PlanDifference;
}

/** A failure as a check shows it. */
export interface FailureForCheck {
  readonly stack: string;
  readonly reason: string;
  readonly message: string;
  readonly nextStep: string;
  readonly resources: readonly string[];
  readonly problems: readonly {
    readonly path: string;
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

/** Title and summary of a check. */
export interface CheckText {
  readonly title: string;
  readonly summary: string;
}

const SIGNS = { create: "+", update: "~", replace: "±", delete: "-", read: "?" } as const;
const WORDS = {
  delete: "to delete",
  replace: "to replace",
  update: "to change",
  create: "to create",
  read: "to read",
};

/** `1 to delete, 2 to create`, the grave ones first; `nothing changes` when there is none. */
export function countsText(counts: PlanCounts): string {
  const parts = (["delete", "replace", "update", "create", "read"] as const)
    .filter((action) => counts[action] > 0)
    .map((action) => `${counts[action]} ${WORDS[action]}`);
  return parts.length === 0 ? "nothing changes" : parts.join(", ");
}

/** A resource as lines of a diff block: colour by what happens to it. */
function changeLines({ address, action, details }: PlannedChange): string {
  const colour = action === "delete" || action === "replace" ? "-" : action === "create" ? "+" : " ";
  const lines = [
    `${colour} ${SIGNS[action]} ${address}  (${action})`,
    ...details.map((detail) => `${colour}     ${detail}`),
  ];
  return lines
    .map((line) => line.replaceAll(/\s*\n\s*/g, " "))
    .join("\n")
    .slice(0, CHANGE_LENGTH_MAX);
}

function approvalText({ plan, digest, approvals, authors, selfApproval }: PlanForCheck): string {
  const given = approvals.given.map(
    ({ approver, selfApproved }) => `${plainText(approver)}${selfApproved ? " (their own change)" : ""}`,
  );
  const names = given.length === 0 ? "" : ` Approved by ${given.join(", ")}.`;
  if (approvals.required === 0)
    return `**Approval:** none needed, because ${plainText(approvals.reason)}.${names}`;
  const missing = Math.max(0, approvals.required - given.length);
  if (missing === 0) return `**Approval:** complete.${names}`;
  const who = selfApproval
    ? "an operator; authors may approve here (`selfApproval`)"
    : `an operator who did not write it (not ${authors.map(plainText).join(", ") || "its author"})`;
  const people = missing === 1 ? "one approval" : `${missing} approvals`;
  return [
    `**Approval:** ${people} missing, because ${plainText(approvals.reason)}. It takes ${who}.${names}`,
    "",
    `    signalbox approve ${plan} --digest ${digest}`,
  ].join("\n");
}

function differenceText(difference: PlanDifference): string {
  if (difference.same) return "This plan means the same as the one that was reviewed.";
  const lines = codeBlock(difference.lines.join("\n"));
  return `> [!WARNING]\n> This plan differs from the one that was reviewed.\n\n${lines}`;
}

/** The check of a finished plan. */
export function planCheckText(plan: PlanForCheck): CheckText {
  const { counts } = plan;
  const destroys = counts.delete + counts.replace;
  const outputs = plan.outputsChanged.length;
  const alsoOutputs = outputs === 0 ? "" : `, ${outputs} ${outputs === 1 ? "output" : "outputs"}`;
  const title = `${countsText(counts)}${alsoOutputs}`;
  const facts = [
    `**Stack** ${codeText(plan.stack)}: ${title}.`,
    `Digest ${codeText(plan.digest)} · Terraform ${plainText(plan.terraformVersion)} · state serial ${plan.stateSerial}`,
  ].join("  \n");
  const warning =
    destroys === 0
      ? []
      : [
          `> [!CAUTION]\n> ${destroys} ${destroys === 1 ? "resource is" : "resources are"} deleted or replaced.`,
        ];
  const more = plan.changesTruncated
    ? ["_More resources change than are listed; the status page shows all._"]
    : [];
  const named = plan.outputsChanged.map(codeText).join(", ");
  const sections = [
    facts,
    ...warning,
    ...(plan.difference === undefined ? [] : [differenceText(plan.difference)]),
    approvalText(plan),
    ...(outputs === 0 ? [] : [`**Outputs that change:** ${named}`]),
    ...plan.changes.map((change) => codeBlock(changeLines(change), "diff")),
    ...more,
  ];
  return { title, summary: joinWithin(sections) };
}

/** The check of a plan or apply that failed. */
export function failureCheckText(failure: FailureForCheck): CheckText {
  const title = isBuildFailure(failure.reason) ? BUILD_FAILURES[failure.reason].title : failure.reason;
  const problems = failure.problems
    .slice(0, PROBLEMS_MAX)
    .map(
      ({ path, line, column, message }) => `- ${codeText(`${path}:${line}:${column}`)} ${plainText(message)}`,
    );
  const unlisted = failure.problems.length - problems.length;
  const resources = failure.resources.map((address) => `- ${codeText(address)}`);
  const sections = [
    `**Stack** ${codeText(failure.stack)}: ${plainText(title)} (${codeText(failure.reason)}).`,
    `**What to do:** ${plainText(failure.nextStep)}`,
    ...(problems.length === 0 ? [] : [problems.join("\n")]),
    ...(unlisted > 0 ? [`… and ${unlisted} more problems.`] : []),
    ...(resources.length === 0 ? [] : [`**Was being changed when it ended:**\n\n${resources.join("\n")}`]),
    ...(failure.message === "" ? [] : [codeBlock(failure.message.slice(-MESSAGE_LENGTH_MAX))]),
  ];
  return { title, summary: joinWithin(sections) };
}
