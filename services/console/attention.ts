// What waits for a person, worst first, each with the command that answers it.
import { shortName, textOf } from "./fields.ts";
import { type Html, html } from "./html.ts";
import { type PageData, valueOr } from "./page-data.ts";

/** One thing that waits for a person. */
export interface Attention {
  readonly lamp: "red" | "amber";
  readonly text: string;
  /** What to type, if a command helps. */
  readonly command?: string;
}

/** What lets a held endpoint go on. */
export function resumeCommand(endpoint: string): string {
  return `npx signalbox resume ${endpoint} --reason "why it may go on"`;
}

function endpointsOf(data: PageData): readonly Attention[] {
  return valueOr(data.endpoints, []).flatMap(({ name, traffic, view }) => {
    const hold = traffic?.traffic.hold;
    const problem = textOf(view ?? {}, "problem");
    const held: Attention[] =
      hold === undefined || hold === null
        ? []
        : [
            {
              lamp: "red",
              text: `${shortName(name)} is held by ${hold.actor}: ${hold.reason.replace(/\.$/, "")}. No rollout starts or advances.`,
              command: resumeCommand(name),
            },
          ];
    const troubled: Attention[] =
      problem === "" ? [] : [{ lamp: "red", text: `${shortName(name)}: ${problem}` }];
    return [...troubled, ...held];
  });
}

/** Resources that one line names. */
const RESOURCES_NAMED_MAX = 10;

/** What the interrupted apply was changing, as far as Terraform's log tells. */
function whileChanging(stack: Readonly<Record<string, unknown>>): string {
  const { resources = [] } = (stack["interrupted"] ?? {}) as { readonly resources?: readonly string[] };
  if (resources.length === 0) return "and its log does not say what it was changing";
  const named = resources.slice(0, RESOURCES_NAMED_MAX).join(", ");
  const more = resources.length - RESOURCES_NAMED_MAX;
  return `while it was changing ${named}${more > 0 ? ` and ${more} more` : ""}`;
}

function stacksOf(data: PageData): readonly Attention[] {
  return valueOr(data.stacks, []).flatMap((stack): readonly Attention[] => {
    const name = textOf(stack, "name");
    if (textOf(stack, "state") === "BLOCKED") {
      const text = `${shortName(name)} is blocked: an apply was interrupted ${whileChanging(stack)}. Look at that, then let it go on.`;
      return [{ lamp: "red", text, command: `npx signalbox unblock ${name} --reason "what you found"` }];
    }
    if (textOf(stack, "state") !== "APPLY_FAILED") return [];
    return [
      { lamp: "amber", text: `${shortName(name)}: the last apply failed. The next merge plans again.` },
    ];
  });
}

function plansOf(data: PageData): readonly Attention[] {
  return valueOr(data.plans, [])
    .filter((plan) => textOf(plan, "state") === "WAITING_FOR_APPROVAL")
    .map((plan) => {
      const name = textOf(plan, "name");
      const reason = textOf(plan, "approvalReason");
      const text = `The plan ${shortName(name)} waits for approval${reason === "" ? "" : `: ${reason}`}.`;
      const digest = textOf(plan, "digest");
      const command = `npx signalbox approve ${name}${digest === "" ? "" : ` --digest ${digest}`}`;
      return { lamp: "amber", text, command } as const;
    });
}

function lettersOf(data: PageData): readonly Attention[] {
  const { letters, total } = valueOr(data.deadLetters, { letters: [], total: 0 });
  const waiting = total - letters.filter(({ state }) => state === "replaying").length;
  if (waiting === 0) return [];
  const text = `${waiting} ${waiting === 1 ? "message" : "messages"} could not be handled and ${waiting === 1 ? "waits" : "wait"} in the dead letters. Mend the cause, then replay.`;
  return [
    { lamp: "red", text, command: `npx signalbox dead-letters replay --all --reason "what was mended"` },
  ];
}

/** Everything that waits for a person. */
export function attentionOf(data: PageData): readonly Attention[] {
  const dead = lettersOf(data);
  const unread = Object.values(data).some(
    (part: unknown) => typeof part === "object" && part !== null && "problem" in part,
  );
  const blind: readonly Attention[] = unread
    ? [{ lamp: "red", text: "Parts of this page cannot be read now, so more may wait than is listed here." }]
    : [];
  const all = [...blind, ...endpointsOf(data), ...stacksOf(data), ...dead, ...plansOf(data)];
  return [...all.filter(({ lamp }) => lamp === "red"), ...all.filter(({ lamp }) => lamp === "amber")];
}

/** The list, or that there is none. */
export function attentionSection(attention: readonly Attention[]): Html {
  if (attention.length === 0)
    return html`<p class="calm"><span class="lamp green"></span>Nothing waits for you.</p>`;
  return html`<ul class="attention">
    ${attention.map(
      ({ lamp, text, command }) =>
        html`<li class="${lamp}">
          <span class="lamp ${lamp}"></span>${text}${command !== undefined && html` <code>${command}</code>`}
        </li>`,
    )}
  </ul>`;
}
