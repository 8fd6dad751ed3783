// One comment of a pull request: what its plans would do, and what its merge has done, of every stack. Checks say it at commits,
// and after the merge nobody looks at those. Always rendered whole from folded state, so that repeating it changes nothing.
import { codeText, cutWithin, joinWithin, plainText } from "../../shared/domain/markdown.ts";
import { plan } from "../../shared/domain/plan.ts";
import { stack } from "../../shared/domain/stack.ts";
import { load } from "../../shared/runtime/record.ts";
import { mergePlanName } from "./applies.ts";
import { applyReport, type Body, planBody, shown, stackId } from "./checks.ts";
import type { ProvisionerPorts } from "./ports.ts";
import type { StandingPlan } from "./view-of-pull-requests.ts";

/** Under which the comment is found again. */
export const COMMENT_KEY = "provisioning";
/** Stacks of one comment, in the order of their names. */
export const COMMENT_STACKS_MAX = 100;
/** Characters of the comment: GitHub takes 65,536, the mark by which it is found included. */
export const COMMENT_LENGTH_MAX = 65_000;
/** Characters of what is said of one plan or apply; its check has all. */
export const COMMENT_PART_LENGTH_MAX = 8_000;

/** Characters of a title in the table. */
const TITLE_LENGTH_MAX = 120;

/** A stack of the pull request, and what is said of it. */
interface Part {
  readonly stack: string;
  readonly plan: Body;
  readonly apply: Body | undefined;
}

const SIGNS: Readonly<Record<string, string>> = {
  success: "✅",
  failure: "❌",
  action_required: "✋",
  neutral: "➖",
};

const signOf = ({ conclusion }: Body): string => SIGNS[conclusion ?? ""] ?? "⏳";

/** A title in one cell of the table. */
const cell = ({ title }: Body): string => plainText(title.slice(0, TITLE_LENGTH_MAX));

const detailsOf = (what: string, of: string, body: Body): string =>
  `<details><summary>${signOf(body)} ${what} of <code>${of}</code></summary>\n\n${cutWithin(body.summary, COMMENT_PART_LENGTH_MAX)}\n\n</details>`;

/** The text of the comment: a line a stack, then what is said of each, failures and what waits for somebody first. */
export function commentText(parts: readonly Part[], more: number): string {
  const rows = parts.map(
    ({ stack: name, plan: planned, apply }) =>
      `| ${codeText(stackId(name))} | ${signOf(planned)} ${cell(planned)} | ${apply === undefined ? "" : `${signOf(apply)} ${cell(apply)}`} |`,
  );
  const table = ["| stack | plan | apply |", "|---|---|---|", ...rows].join("\n");
  const said = parts.flatMap(({ stack: name, plan: planned, apply }) => {
    const of = stackId(name);
    return [
      { body: planned, text: detailsOf("Plan", of, planned) },
      ...(apply === undefined ? [] : [{ body: apply, text: detailsOf("Apply", of, apply) }]),
    ];
  });
  const urgent = (body: Body): boolean =>
    body.conclusion === "failure" || body.conclusion === "action_required";
  const texts = [...said.filter(({ body }) => urgent(body)), ...said.filter(({ body }) => !urgent(body))].map(
    ({ text }) => text,
  );
  const unlisted =
    more > 0 ? [`_${more} more stacks are touched; their checks say what becomes of them._`] : [];
  return joinWithin(["### Signalbox", table, ...unlisted, ...texts], COMMENT_LENGTH_MAX);
}

/** The newest apply of this pull request's merge on the stack, and the plan that was made for it if that is another one. */
async function applyOf(ports: ProvisionerPorts, name: string, repository: string, pullRequest: number) {
  const { state } = await load(ports.ledger, stack, name);
  const mine = [...state.applies.values()].findLast(
    ({ request }) => request.repository === repository && request.pullRequest === pullRequest,
  );
  if (mine === undefined) return undefined;
  const again = mergePlanName(name, mine.request.apply);
  const { state: planned } = await load(ports.ledger, plan, again);
  return {
    apply: applyReport(name, state, mine.request.apply),
    plan: planned.request === undefined ? undefined : await planBody(ports, again, planned),
  };
}

/** The plan that stands, or the newest one when none does. */
function planOf(document: Readonly<Record<string, unknown>>): string {
  const standing = (document["standing"] ?? []) as readonly StandingPlan[];
  return standing.at(-1)?.plan ?? String(document["plan"]);
}

async function commentOn(ports: ProvisionerPorts, repository: string, pullRequest: number): Promise<void> {
  const prefix = `${repository}#${pullRequest}/`;
  const query = { collection: "plansByPullRequest", prefix, limit: COMMENT_STACKS_MAX + 1 };
  const listed = await ports.views.list(query);
  if (listed.length === 0) return;
  const parts: Part[] = [];
  for (const { key, document } of listed.slice(0, COMMENT_STACKS_MAX)) {
    const name = planOf(document);
    const { state } = await load(ports.ledger, plan, name);
    const of = key.slice(prefix.length);
    const merged = await applyOf(ports, of, repository, pullRequest);
    const planned = merged?.plan ?? (await planBody(ports, name, state));
    parts.push({ stack: of, plan: planned, apply: merged?.apply });
  }
  const text = commentText(parts, listed.length - parts.length);
  await shown(ports, { repository, pullRequest }, () =>
    ports.checks.comment(repository, pullRequest, COMMENT_KEY, text),
  );
}

/** Brings the comment up to date after something happened to this plan. */
export async function commentOnPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  const { request } = (await load(ports.ledger, plan, name)).state;
  if (request?.pullRequest !== undefined) await commentOn(ports, request.repository, request.pullRequest);
}

/** Brings the comment up to date after something happened to this apply. */
export async function commentOnApply(
  ports: ProvisionerPorts,
  stackName: string,
  name: string,
): Promise<void> {
  const { request } = (await load(ports.ledger, stack, stackName)).state.applies.get(name) ?? {};
  if (request?.pullRequest !== undefined) await commentOn(ports, request.repository, request.pullRequest);
}
