// Endpoints: who gets the traffic, what is being rolled out, and whether a person has stopped it.
import { openWarmUp } from "../../shared/domain/warm-up.ts";
import type { ViewDocument } from "../../shared/ports/views.ts";
import { resumeCommand } from "./attention.ts";
import { numberOf, objectOf, shortName, textOf } from "./fields.ts";
import { type Html, html } from "./html.ts";
import type { EndpointData } from "./page-data.ts";
import { timeAgo } from "./times.ts";

/** Colours that tell versions apart; a split has two. */
const SHARES_COLOURED_MAX = 4;

interface Share {
  readonly version: string;
  readonly percent: number;
}

function sharesOf({ traffic }: EndpointData): readonly Share[] {
  const [last] = traffic?.traffic.moves ?? [];
  return Object.entries(last?.to ?? {})
    .filter(([, percent]) => percent > 0)
    .map(([version, percent]) => ({ version, percent }))
    .toSorted((one, other) => other.percent - one.percent);
}

/** A bar of shares. Widths are attributes of SVG, because the page's policy allows no inline style. */
function bar(shares: readonly Share[]): Html {
  let x = 0;
  const label = shares.map(({ version, percent }) => `${shortName(version)} ${percent} %`).join(", ");
  const pieces = shares.map(({ percent }, index) => {
    const piece = html`<rect
      class="share${index % SHARES_COLOURED_MAX}"
      x="${x}"
      y="0"
      width="${percent}"
      height="10"
    ></rect>`;
    x += percent;
    return piece;
  });
  return html`<svg
    class="bar"
    viewBox="0 0 100 10"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    ${pieces}
  </svg>`;
}

function rolloutLine(rollout: ViewDocument, now: Date): Html {
  const judgement = objectOf(rollout, "judgement");
  const sentence = textOf(judgement, "sentence");
  const paused = rollout["paused"] === true;
  return html`<p class="rollout">
    Rolling out <b>${shortName(textOf(rollout, "modelVersion"))}</b>${paused && " (paused)"}, at
    ${numberOf(rollout, "weight") ?? 0} %, changed ${timeAgo(textOf(rollout, "updateTime"), now)}.
    ${sentence === "" ? "The judge has no verdict yet." : html`<q>${sentence}</q>`}
  </p>`;
}

function card(endpoint: EndpointData, running: ViewDocument | undefined, now: Date): Html {
  const shares = sharesOf(endpoint);
  const hold = endpoint.traffic?.traffic.hold;
  const problem = textOf(endpoint.view ?? {}, "problem");
  const waiting = endpoint.view?.["waiting"];
  const queue = Array.isArray(waiting) ? waiting.length : 0;
  const [last] = endpoint.traffic?.traffic.moves ?? [];
  const warmUp = endpoint.traffic === undefined ? undefined : openWarmUp(endpoint.traffic);
  return html`<article class="card">
    <h3>${shortName(endpoint.name)} <small>${endpoint.name}</small></h3>
    ${shares.length === 0 ? html`<p class="empty">No version serves yet: register one with this endpoint, and it is rolled out.</p>` : bar(shares)}
    <p class="shares">
      ${shares.map(({ version, percent }, index) => html`<span><i class="key${index % SHARES_COLOURED_MAX}"></i>${shortName(version)} <b>${percent} %</b></span>`)}
    </p>
    ${last !== undefined && html`<p class="quiet">Move ${last.epoch}, ${timeAgo(last.time, now)} by ${last.actor}: ${last.reason}</p>`}
    ${running !== undefined && rolloutLine(running, now)}
    ${warmUp !== undefined && html`<p class="alarm">Rolling back to ${shortName(warmUp.to)}, which is being warmed since ${timeAgo(warmUp.time, now)}: ${warmUp.reason}</p>`}
    ${queue > 0 && html`<p class="quiet">${queue} more in the queue.</p>`}
    ${problem !== "" && html`<p class="alarm">${problem}</p>`}
    ${
      hold !== undefined &&
      hold !== null &&
      html`<p class="alarm">Held ${timeAgo(hold.time, now)} by ${hold.actor}: ${hold.reason}</p>
        <p><code>${resumeCommand(endpoint.name)}</code></p>`
    }
  </article>`;
}

/** Cards of all endpoints, or what to do to have one. */
export function endpointsSection(
  endpoints: readonly EndpointData[],
  rollouts: readonly ViewDocument[],
  now: Date,
): Html {
  if (endpoints.length === 0) {
    return html`<p class="empty">
      No endpoints yet. Name one under <code>endpoints:</code> in <code>.signalbox.yaml</code> on the default
      branch of your repository.
    </p>`;
  }
  const running = new Map(
    rollouts
      .filter((rollout) => textOf(rollout, "state") === "RUNNING")
      .map((rollout) => [textOf(rollout, "endpoint"), rollout]),
  );
  return html`<div class="cards">
    ${endpoints.map((endpoint) => card(endpoint, running.get(endpoint.name), now))}
  </div>`;
}
