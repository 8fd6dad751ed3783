// The last facts, one line each.
import type { AnyFact } from "../../shared/domain/fact.ts";
import { shortName } from "./fields.ts";
import { type Html, html } from "./html.ts";
import { timeAgo } from "./times.ts";

/** Longest remark about a fact, in characters. */
const REMARK_CHARACTERS_MAX = 160;

const shares = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .map(([version, percent]) => `${shortName(version)} ${percent} %`)
    .join(", ");

/** What the fact says beyond its type and subject; empty for those that say it all with them. */
export function remarkOn(fact: AnyFact): string {
  switch (fact.type) {
    case "delivery.received":
      return `${fact.data.event} ${fact.data.action} in ${fact.data.repository}`;
    case "plan.finished": {
      const { create, update, replace, delete: gone } = fact.data.counts;
      return `${create} to create, ${update} to change, ${replace} to replace, ${gone} to delete`;
    }
    case "plan.approved":
      return `by ${fact.data.approver}`;
    case "plan.failed":
    case "apply.failed":
    case "release.failed":
    case "run.failed":
    case "run.lost":
    case "model-version.rejected":
      return fact.data.message;
    case "model-version.created":
    case "model-version.verified":
    case "rollout.queued":
    case "rollout.promoted":
      return shortName(fact.data.modelVersion);
    case "rollout.step-changed":
      return `${fact.data.weight} %`;
    case "rollout.judged":
      return fact.data.sentence;
    case "rollout.rolled-back":
    case "rollout.aborted":
    case "endpoint.held":
    case "stack.blocked":
      return fact.data.reason;
    case "traffic.moved":
      return shares(fact.data.to);
    case "dataset-version.created":
      return shortName(fact.data.datasetVersion);
    default:
      return "";
  }
}

/** The remark, cut behind a word. */
function shortened(remark: string): string {
  if (remark.length <= REMARK_CHARACTERS_MAX) return remark;
  const cut = remark.slice(0, REMARK_CHARACTERS_MAX);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), REMARK_CHARACTERS_MAX / 2))} …`;
}

/** The list of the last facts, or what will be in it. */
export function factsSection(facts: readonly AnyFact[], now: Date): Html {
  if (facts.length === 0)
    return html`<p class="empty">Nothing has happened yet. Whatever does is listed here, and kept.</p>`;
  const rows = facts.map(
    (fact) =>
      html`<tr>
        <td>${timeAgo(fact.time, now)}</td>
        <td><code>${fact.type}</code></td>
        <td>${shortName(fact.subject)}</td>
        <td>${shortened(remarkOn(fact))}</td>
        <td class="quiet">${fact.actor}</td>
      </tr>`,
  );
  return html`<div class="scroll">
    <table class="facts">
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}
