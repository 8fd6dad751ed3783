// The tables of the page: rollouts, stacks, models and runs, newest or by name, each with what to do while it is empty.
import type { DeadLetter } from "../../shared/ports/dead-letters.ts";
import type { ViewDocument } from "../../shared/ports/views.ts";
import { deadLetterName } from "../../shared/domain/dead-letter.ts";
import { numberOf, objectOf, shortName, textOf } from "./fields.ts";
import { type Html, html, type Part } from "./html.ts";
import { timeAgo } from "./times.ts";

/** Rows of one table. */
export const ROWS_SHOWN_MAX = 15;

const LAMPS: Readonly<Record<string, string>> = {
  APPLIED: "green",
  APPLY_FAILED: "red",
  APPLYING: "amber",
  BLOCKED: "red",
  CANCELLED: "off",
  FAILED: "red",
  FINISHED: "green",
  LOST: "red",
  PROMOTED: "green",
  REPLAYING: "amber",
  ROLLED_BACK: "red",
  RUNNING: "amber",
  SUBMITTED: "amber",
  TIMED_OUT: "red",
  WAITING: "red",
};

/** A state as a lamp and as words, so that no colour is needed to read it. */
export function stateCell(state: string): Html {
  const words = state.toLowerCase().replaceAll("_", " ");
  return html`<span class="state"><span class="lamp ${LAMPS[state] ?? "off"}"></span>${words}</span>`;
}

function table(heads: readonly string[], rows: readonly (readonly Part[])[], total: number): Html {
  const more = total - rows.length;
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            ${heads.map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (cells) =>
              html`<tr>
                ${cells.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${more > 0 && html`<p class="quiet">and ${more} more: ask the API.</p>`}`;
}

/** The newest rollouts. */
export function rolloutsTable(rollouts: readonly ViewDocument[], now: Date): Html {
  if (rollouts.length === 0)
    return html`<p class="empty">
      No rollouts yet. They start when a version is registered with an endpoint.
    </p>`;
  const rows = rollouts
    .slice(0, ROWS_SHOWN_MAX)
    .map((rollout) => [
      shortName(textOf(rollout, "modelVersion")),
      shortName(textOf(rollout, "endpoint")),
      stateCell(textOf(rollout, "state")),
      textOf(rollout, "reason") || textOf(objectOf(rollout, "judgement"), "sentence"),
      timeAgo(textOf(rollout, "updateTime"), now),
    ]);
  return table(["Version", "Endpoint", "State", "Why", "Changed"], rows, rollouts.length);
}

/** All stacks. */
export function stacksTable(stacks: readonly ViewDocument[], now: Date): Html {
  if (stacks.length === 0) {
    return html`<p class="empty">
      No stacks yet. Name a Terraform root module under <code>stacks:</code> in
      <code>.signalbox.yaml</code> and open a pull request: its plan appears as a check.
    </p>`;
  }
  const rows = stacks.slice(0, ROWS_SHOWN_MAX).map((stack) => {
    const outputs = stack["outputs"];
    return [
      shortName(textOf(stack, "name")),
      stateCell(textOf(stack, "state")),
      html`<code>${textOf(stack, "directory")}</code>`,
      html`<code>${textOf(stack, "appliedCommit").slice(0, 10)}</code>`,
      Array.isArray(outputs) ? outputs.length : "",
      timeAgo(textOf(stack, "updateTime"), now),
    ];
  });
  return table(["Stack", "State", "Directory", "Applied", "Outputs", "Changed"], rows, stacks.length);
}

/** All models. */
export function modelsTable(models: readonly ViewDocument[], now: Date): Html {
  if (models.length === 0) {
    return html`<p class="empty">
      No models yet. Register a version: <code>npx signalbox events publish FILE</code> with a CloudEvent of
      type <code>dev.signalbox.model-version.registered.v1</code>.
    </p>`;
  }
  const rows = models
    .slice(0, ROWS_SHOWN_MAX)
    .map((model) => [
      shortName(textOf(model, "name")),
      textOf(model, "latestVersion"),
      textOf(model, "latestVerifiedVersion"),
      numberOf(model, "versionCount"),
      timeAgo(textOf(model, "updateTime"), now),
    ]);
  return table(["Model", "Latest version", "Latest verified", "Versions", "Changed"], rows, models.length);
}

/** The newest runs. */
export function runsTable(runs: readonly ViewDocument[], now: Date): Html {
  if (runs.length === 0) {
    return html`<p class="empty">
      No Ray runs yet. Ask for one with <code>POST /v1/runs</code>; without a Ray head, start with
      <code>npm start -- --with-ray</code>.
    </p>`;
  }
  const rows = runs
    .slice(0, ROWS_SHOWN_MAX)
    .map((run) => [
      shortName(textOf(run, "name")),
      stateCell(textOf(run, "state")),
      html`<code>${textOf(run, "entrypoint").slice(0, 60)}</code>`,
      shortName(textOf(run, "datasetVersion")),
      timeAgo(textOf(run, "updateTime"), now),
    ]);
  return table(["Run", "State", "Entrypoint", "Made", "Changed"], rows, runs.length);
}

const factType = ({ payload }: DeadLetter): string =>
  textOf(typeof payload === "object" && payload !== null ? (payload as ViewDocument) : {}, "type");

/** The newest dead letters, each with its name, which the commands take. */
export function lettersTable(
  { letters, total }: { readonly letters: readonly DeadLetter[]; readonly total: number },
  now: Date,
): Html {
  if (letters.length === 0) return html`<p class="empty">None: every message was handled.</p>`;
  const rows = letters.map((letter) => [
    html`<code>${shortName(deadLetterName(letter.id))}</code>`,
    factType(letter),
    stateCell(letter.state.toUpperCase()),
    letter.failures,
    `${letter.reason}: ${letter.message}`,
    timeAgo(letter.time, now),
  ]);
  return table(["Letter", "Fact", "State", "Failures", "Why", "Failed"], rows, total);
}
