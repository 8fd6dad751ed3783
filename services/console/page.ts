// The status page: the whole of it from its data, without script.
import { type Attention, attentionOf, attentionSection } from "./attention.ts";
import { endpointsSection } from "./endpoints-section.ts";
import { factsSection } from "./facts-section.ts";
import { type Html, html } from "./html.ts";
import { type PageData, type Readable, valueOr } from "./page-data.ts";
import { lettersTable, modelsTable, rolloutsTable, runsTable, stacksTable } from "./tables.ts";

/** The page asks for itself again after this long. */
export const REFRESH_SECONDS = 5;

/** How the page is looked at. */
export interface PageChoice {
  readonly principal: string;
  readonly paused: boolean;
}

const lampOf = (attention: readonly Attention[]): string => attention[0]?.lamp ?? "green";

const titleOf = (attention: readonly Attention[]): string =>
  attention.length === 0 ? "Signalbox" : `(${attention.length}) Signalbox`;

function section<Value>(
  id: string,
  title: string,
  read: Readable<Value>,
  show: (value: Value) => Html,
): Html {
  const body =
    "value" in read
      ? show(read.value)
      : html`<p class="alarm">This part cannot be read now: ${read.problem}</p>`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${body}
  </section>`;
}

function shell(title: string, refresh: boolean, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refresh && html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}" />`}
        <title>${title}</title>
        <link rel="stylesheet" href="/console.css" />
        <link rel="icon" href="data:," />
      </head>
      <body>
        ${body}
      </body>
    </html> `;
}

/** The page. */
export function statusPage(data: PageData, { principal, paused }: PageChoice): string {
  const attention = attentionOf(data);
  const { now } = data;
  const rollouts = valueOr(data.rollouts, []);
  const turn = paused ? html`<a href="/">go on</a>` : html`<a href="/?paused=true">pause</a>`;
  return shell(
    titleOf(attention),
    !paused,
    html`<header>
        <h1><span class="lamp big ${lampOf(attention)}"></span>Signalbox</h1>
        <p class="quiet">
          As of
          <time datetime="${now.toISOString()}">${now.toISOString().slice(0, 19).replace("T", " ")} UTC</time
          >, for ${principal}. ${paused ? "Paused" : `Again every ${REFRESH_SECONDS} s`}: ${turn}.
        </p>
        <form method="post" action="/session/end"><button>Sign out</button></form>
      </header>
      <main>
        ${attentionSection(attention)}
        ${section("endpoints", "Endpoints", data.endpoints, (endpoints) => endpointsSection(endpoints, rollouts, now))}
        ${section("rollouts", "Rollouts", data.rollouts, (all) => rolloutsTable(all, now))}
        ${section("stacks", "Stacks", data.stacks, (stacks) => stacksTable(stacks, now))}
        ${section("models", "Models", data.models, (models) => modelsTable(models, now))}
        ${section("runs", "Runs", data.runs, (runs) => runsTable(runs, now))}
        ${section("letters", "Dead letters", data.deadLetters, (letters) => lettersTable(letters, now))}
        ${section("facts", "What happened", data.facts, (facts) => factsSection(facts, now))}
      </main>
      <footer class="quiet">
        Everything here is also under <code>/v1</code>. This page only reads: to change something, use
        <code>npx signalbox</code>.
      </footer>`,
  ).html;
}

/** What someone sees who is not let in. */
export function refusalPage(message: string): string {
  return shell(
    "Signalbox: sign in",
    false,
    html`<main class="alone">
      <h1><span class="lamp big off"></span>Signalbox</h1>
      <p>${message}</p>
      <p>On the machine that runs it: <code>npx signalbox open</code></p>
    </main>`,
  ).html;
}

/** What someone sees who has signed out. */
export function goodbyePage(): string {
  return shell(
    "Signalbox: signed out",
    false,
    html`<main class="alone">
      <h1><span class="lamp big off"></span>Signalbox</h1>
      <p>You are signed out.</p>
      <p>To come back, on the machine that runs it: <code>npx signalbox open</code></p>
    </main>`,
  ).html;
}
