// The status page: true, escaped, readable without script, and shown in part when a part is down.
import { expect, onTestFinished, test } from "vitest";
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import type { ViewDocument } from "../../shared/ports/views.ts";
import { createConsole } from "../../services/console/console.ts";
import { escapeHtml, html } from "../../services/console/html.ts";
import { statusPage } from "../../services/console/page.ts";
import type { ConsolePorts, PageData } from "../../services/console/page-data.ts";
import { ago } from "../../services/console/times.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";
import { createWorld } from "../support/world.ts";
import { CLOCK_START } from "../support/clock.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { as, testIdentity } from "./door.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (n: number): string => `teams/default/models/ranker/versions/${n}`;

/** Version 2 has 25 % beside version 1. */
const SPLIT: TrafficDocument = {
  schema: 1,
  resourceVersion: 3,
  weights: { "ranker-1": 75, "ranker-2": 25 },
  traffic: {
    epoch: 2,
    moves: [
      {
        epoch: 2,
        cause: "c",
        kind: "advance",
        actor: "services/rollout",
        reason: "step 2 of 3",
        from: { [version(1)]: 95, [version(2)]: 5 },
        to: { [version(1)]: 75, [version(2)]: 25 },
        time: "2026-01-02T03:03:00.000Z",
      },
    ],
    good: [],
    hold: null,
  },
};

const HELD: TrafficDocument = {
  ...SPLIT,
  traffic: {
    ...SPLIT.traffic,
    hold: { cause: "c", actor: "grace", reason: "errors <b>rose</b>", time: "2026-01-02T03:03:30.000Z" },
  },
};

const doc = (name: string, change: object = {}): ViewDocument => ({
  name,
  createTime: "2026-01-02T03:00:00.000Z",
  updateTime: "2026-01-02T03:03:00.000Z",
  ...change,
});

const EMPTY: PageData = {
  now: new Date(CLOCK_START),
  endpoints: { value: [] },
  rollouts: { value: [] },
  stacks: { value: [] },
  plans: { value: [] },
  models: { value: [] },
  runs: { value: [] },
  facts: { value: [] },
  deadLetters: { value: { letters: [], total: 0 } },
};

const BUSY: PageData = {
  ...EMPTY,
  endpoints: {
    value: [{ name: ENDPOINT, traffic: SPLIT, view: doc(ENDPOINT, { waiting: ["r2"], problem: null }) }],
  },
  rollouts: {
    value: [
      doc(`${ENDPOINT}/rollouts/ranker-2-1-abcd`, {
        endpoint: ENDPOINT,
        modelVersion: version(2),
        state: "RUNNING",
        weight: 25,
        judgement: { verdict: "pass", sentence: "2 is no worse than 1: 0 of 530 requests failed." },
      }),
      doc(`${ENDPOINT}/rollouts/ranker-1-1-abcd`, {
        endpoint: ENDPOINT,
        modelVersion: version(1),
        state: "PROMOTED",
      }),
    ],
  },
  stacks: {
    value: [
      doc("stacks/playground", {
        state: "APPLIED",
        directory: "stacks/playground",
        appliedCommit: "c".repeat(40),
        outputs: [{ name: "a" }],
      }),
      doc("stacks/ranking", { state: "BLOCKED", interrupted: { resources: ["terraform_data.quota"] } }),
    ],
  },
  plans: {
    value: [
      doc("stacks/playground/plans/p2", {
        state: "WAITING_FOR_APPROVAL",
        digest: "plan-sha256:k:1",
        approvalReason: "it deletes or replaces resources",
      }),
    ],
  },
  models: {
    value: [
      doc("teams/default/models/ranker", { latestVersion: "3", latestVerifiedVersion: "2", versionCount: 3 }),
    ],
  },
  runs: {
    value: [
      doc("teams/default/runs/catalogue-1", {
        state: "FINISHED",
        entrypoint: "python process.py",
        datasetVersion: "teams/default/datasets/products/versions/1",
      }),
    ],
  },
  deadLetters: {
    value: {
      letters: [
        {
          id: "registry/0f3a",
          service: "registry",
          reason: "NOT_A_FACT",
          message: "<b>data.uri</b> must be string.",
          payload: { type: "model-version.created" },
          time: "2026-01-02T03:04:05.000Z",
          createTime: "2026-01-02T03:00:00.000Z",
          failures: 2,
          state: "waiting",
          since: "2026-01-02T03:04:05.000Z",
        },
      ],
      total: 2,
    },
  },
};

const page = (data: PageData, paused = false): string => statusPage(data, { principal: "grace", paused });

test("the empty page says what to do next", () => {
  expect(page(EMPTY)).toMatchSnapshot();
});

test("the busy page shows who gets traffic, what is rolled out, and what waits for a person", () => {
  expect(page(BUSY)).toMatchSnapshot();
});

test("a held endpoint is red, with the reason and the command that resumes it", () => {
  const text = page({ ...EMPTY, endpoints: { value: [{ name: ENDPOINT, traffic: HELD }] } });
  expect(text).toContain('<span class="lamp big red">');
  expect(text).toContain(
    'Held <time datetime="2026-01-02T03:03:30.000Z" title="2026-01-02T03:03:30.000Z">35 s ago</time> by grace',
  );
  expect(text).toContain(
    `<code>npx signalbox resume ${ENDPOINT} --reason &quot;why it may go on&quot;</code>`,
  );
  expect(text).toContain("errors &lt;b&gt;rose&lt;/b&gt;");
  expect(text).not.toContain("<b>rose</b>");
});

test("text from outside stays text", () => {
  expect(html`<p title="${`"'<`}">${["<script>", 3, undefined, html`<b>${"&"}</b>`]}</p>`.html).toBe(
    '<p title="&quot;&#39;&lt;">&lt;script&gt;3<b>&amp;</b></p>',
  );
  expect(escapeHtml("a\u202Eb\u0000c\nd")).toBe("a\uFFFDb\uFFFDc d");
  const nasty = `</title><script>alert(1)</script>" onload="x`;
  const text = page({
    ...EMPTY,
    models: { value: [doc(nasty, { latestVersion: nasty })] },
    runs: { value: [doc("r", { entrypoint: nasty })] },
  });
  expect(text).not.toContain("<script");
});

test("time is told in the largest unit that fits", () => {
  const now = new Date("2026-01-10T00:00:00Z");
  const before = (ms: number): string => ago(new Date(now.getTime() - ms).toISOString(), now);
  expect([0, 59_000, 60_000, 3_600_000, 86_400_000 * 3].map(before)).toEqual([
    "now",
    "59 s ago",
    "1 min ago",
    "1 h ago",
    "3 d ago",
  ]);
  expect(ago("never", now)).toBe("");
});

async function door(change: Partial<ConsolePorts> = {}) {
  const world = createWorld({});
  const documents = new Map([[ENDPOINT, SPLIT]]);
  const traffic = {
    list: async () => [...documents.keys()],
    read: async (name: string) => documents.get(name),
  };
  const sessions = createSessions(createMemoryGrants(), world.clock);
  const app = createServer({ clock: world.clock, log: world.log, identity: testIdentity(), sessions });
  await app.register(createConsole({ ...world, traffic, sessions, ...change }));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  return { app, world, sessions };
}

test("the page is served under a policy that allows nothing but its stylesheet", async () => {
  const { app, world } = await door();
  await world.ledger.append(batchOf("stacks/web/plans/p", 0, "c", [planStarted("b")]));
  const response = await app.inject({ url: "/", headers: as("viewer") });
  expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(response.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'self'/);
  expect(response.body).not.toMatch(/<script|style=|javascript:/);
  expect(response.body).toContain("ranker 1 <b>75 %</b>");
  expect(response.body).toContain("<code>plan.started</code>");
  expect(response.body).toMatch(/<meta http-equiv="refresh" content="5" ?\/?>/);
  expect((await app.inject({ url: "/?paused=true", headers: as("viewer") })).body).not.toContain(
    "http-equiv",
  );
  const style = await app.inject({ url: "/console.css" });
  expect([style.statusCode, style.headers["content-type"]]).toEqual([200, "text/css; charset=utf-8"]);
});

test("someone who is not signed in is told how, in the language that they asked in", async () => {
  const { app } = await door();
  const person = await app.inject({ url: "/", headers: { accept: "text/html,*/*" } });
  expect([person.statusCode, person.headers["content-type"]]).toEqual([401, "text/html; charset=utf-8"]);
  expect(person.body).toContain("npx signalbox open");
  expect(person.body).not.toContain("ranker");
  const program = await app.inject({ url: "/" });
  expect([program.statusCode, program.json().error.status]).toEqual([401, "UNAUTHENTICATED"]);
});

test("while the ledger and the views are down, traffic and holds are still shown", async () => {
  const down = () => Promise.reject(new Error("the database is gone"));
  const { app } = await door({ views: { list: down }, ledger: { list: down }, deadLetters: { list: down } });
  const { statusCode, body } = await app.inject({ url: "/", headers: as("viewer") });
  expect(statusCode).toBe(200);
  expect(body).toContain("ranker 1 <b>75 %</b>");
  expect(body).toContain("more may wait than is listed here");
  expect(body).not.toContain("Nothing waits for you");
  expect(body.match(/This part cannot be read now: the database is gone/g)).toHaveLength(6);
});

test("a code opens the page once; its cookie reads and changes nothing", async () => {
  const { app, sessions, world } = await door();
  app.post("/change", { config: { role: "viewer" } }, async () => ({}));
  const url = `/session?code=${(await sessions.issueCode("vera")).code}`;
  const opened = await app.inject({ url });
  expect([opened.statusCode, opened.headers["location"]]).toEqual([303, "/"]);
  expect(opened.headers["referrer-policy"]).toBe("no-referrer");
  const cookie = String(opened.headers["set-cookie"]);
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  const headers = { cookie: cookie.split(";")[0] ?? "" };
  const shown = await app.inject({ url: "/", headers });
  expect([shown.statusCode, shown.body.includes("for vera")]).toEqual([200, true]);
  const change = await app.inject({ method: "POST", url: "/change", headers });
  expect([change.statusCode, change.json().error.details[0].reason]).toEqual([401, "TOKEN_REQUIRED"]);
  const again = await app.inject({ url, headers: { accept: "text/html" } });
  expect([again.statusCode, again.headers["set-cookie"]]).toEqual([401, undefined]);
  expect(again.body).toContain("ask for another");
  expect(JSON.stringify(world.log.lines)).not.toContain("code=");
});
