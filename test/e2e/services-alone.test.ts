// Every service's main.ts as a process of its own on one state folder: what comes in over HTTP is handled, strangers are
// refused, and SIGTERM ends it in order.
import { writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type StateFolder,
  openKeys,
  openPrincipals,
  openStateFolder,
} from "../../scripts/compose/state-folder.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { EMPTY_TRAFFIC } from "../../shared/domain/traffic.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { markGood } from "../../shared/domain/traffic-standing.ts";
import type { AnyFact, Draft } from "../../shared/domain/fact.ts";
import { batchOf } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PEOPLE } from "../support/installation.ts";
import { SETTINGS } from "../support/plans.ts";
import { startService } from "../support/service-process.ts";
import { hasTerraform } from "../support/terraform-stacks.ts";
import { RUN, RUN_REQUESTED } from "../support/unapplied-run.ts";
import { until } from "../support/until.ts";
import { deliveryHeaders, pullRequestBody, sign } from "../services/github-delivery.ts";

const TIMEOUT_MS = 60_000;
const PUSH_TOKEN = "a push token of a test, long enough to be one";
const MODEL = "teams/default/models/ranker";
const ENDPOINT = "teams/default/endpoints/ranker";
const version = (id: string): string => `${MODEL}/versions/${id}`;

/** A state folder as a first start leaves it, and its database. */
async function folder() {
  const state = await openStateFolder(temporaryFolder());
  const keys = await openKeys(state);
  const tokens = await openPrincipals(state, PEOPLE);
  const stored = openLedger(state);
  onTestFinished(() => stored.db.close());
  const bearer = (person: string) => ({ authorization: `Bearer ${tokens.get(person) ?? ""}` });
  return { state, keys, bearer, ...stored };
}

const push = (url: string, fact: AnyFact, token = PUSH_TOKEN): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: pushBody(fact, "local/test"),
  });

const SERVING: Draft<"endpoint.configured"> = {
  type: "endpoint.configured",
  data: {
    repository: "acme/platform",
    commit: "c1",
    serving: {
      parameters: {},
      local: { command: ["node", "server.mjs"], readiness: "/healthz" },
      directory: ".",
    },
    rollout: { steps: [50] },
    standbyMs: 60_000,
  },
};

interface FactCase {
  readonly service: string;
  readonly stream: string;
  readonly draft: Draft;
  /** The view that shows that the fact was handled. */
  readonly view: readonly [collection: string, key: string];
  /** The fact that the service records in answer. */
  readonly answer?: string;
  readonly skip?: boolean;
}

const FACT_CASES: readonly FactCase[] = [
  {
    service: "registry",
    stream: MODEL,
    draft: {
      type: "model-version.created",
      data: {
        modelVersion: version("1"),
        artifact: { uri: "file:///nowhere", digest: `tree-sha256:${"0".repeat(64)}` },
        datasets: [],
        metrics: {},
      },
    },
    view: ["modelVersions", version("1")],
    answer: "model-version.rejected",
  },
  {
    service: "provisioner",
    stream: "stacks/web",
    draft: { type: "stack.configured", data: { repository: "acme/platform", commit: "c1", ...SETTINGS } },
    view: ["stacks", "stacks/web"],
    skip: !hasTerraform,
  },
  { service: "rollout", stream: ENDPOINT, draft: SERVING, view: ["endpoints", ENDPOINT] },
  {
    service: "data",
    stream: RUN,
    draft: RUN_REQUESTED,
    view: ["runs", RUN],
  },
];

describe.each(FACT_CASES.filter(({ skip }) => skip !== true))(
  "the $service service alone",
  ({ service, stream, draft, view, answer }) => {
    const environment = (state: StateFolder) => ({
      SIGNALBOX_STATE: state.root,
      SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN,
      SIGNALBOX_API_URL: "http://127.0.0.1:9",
      SIGNALBOX_GATEWAY_PORT: "0",
      PORT: "0",
    });

    test(
      "handles a fact that is pushed, refuses a stranger's, and ends when asked",
      { timeout: TIMEOUT_MS },
      async () => {
        const { state, ledger, views } = await folder();
        const batch = batchOf(stream, 0, "test", [draft]);
        await ledger.append(batch);
        const [fact] = batch.facts as [AnyFact];
        const running = startService(service, environment(state));
        const url = await running.url();
        for (const probe of ["startupz", "livez"])
          expect((await fetch(new URL(probe, url))).status).toBe(200);

        expect((await push(url, fact, "a token that somebody made up, long enough")).status).toBe(401);
        expect((await fetch(url, { method: "POST", body: pushBody(fact, "local/test") })).status).toBe(401);
        expect(await views.get(...view)).toBeUndefined();

        expect((await push(url, fact)).status).toBe(204);
        expect(await views.get(...view)).toMatchObject({ name: view[1] });
        const facts = (await ledger.read(stream, 0)).facts.map(({ type }) => type);
        expect(facts).toEqual(answer === undefined ? [draft.type] : [draft.type, answer]);
        expect((await push(url, fact)).status).toBe(204);
        expect((await ledger.read(stream, 0)).facts).toHaveLength(facts.length);

        expect(await running.stop()).toBe(0);
        expect(running.output()).toContain(`${service} stopped`);
        expect(running.output()).not.toContain(PUSH_TOKEN);
      },
    );

    test("says everything that is missing from its configuration", { timeout: TIMEOUT_MS }, async () => {
      const running = startService(service, {});
      expect(await running.ended()).toBe(1);
      for (const name of ["SIGNALBOX_STATE", "SIGNALBOX_PUSH_TOKEN"])
        expect(running.output()).toContain(`${name} is missing`);
    });
  },
);

test(
  "the webhook alone takes a signed delivery and refuses a forged one",
  { timeout: TIMEOUT_MS },
  async () => {
    const { state, keys, ledger } = await folder();
    const running = startService("webhook", { SIGNALBOX_STATE: state.root, PORT: "0" });
    const url = `${await running.url()}/webhooks/github`;
    const body = JSON.stringify(pullRequestBody());
    const { host: _, ...headers } = deliveryHeaders("pull_request", body);
    const send = (signature: string): Promise<Response> =>
      fetch(url, { method: "POST", headers: { ...headers, "x-hub-signature-256": signature }, body });

    expect((await send(sign(body, "somebody else's secret"))).status).toBe(401);
    expect((await send(sign(body, keys.webhookSecret))).status).toBe(202);
    const stream = `deliveries/${headers["x-github-delivery"]}`;
    const types = await until("the delivery to be recorded", async () => {
      const { facts } = await ledger.read(stream, 0);
      return facts.length === 0 ? undefined : facts.map(({ type }) => type);
    });
    expect(types).toEqual(["delivery.received"]);
    expect(await running.stop()).toBe(0);
  },
);

test("the console alone shows its page to whoever has a token", { timeout: TIMEOUT_MS }, async () => {
  const { state, bearer } = await folder();
  const running = startService("console", { SIGNALBOX_STATE: state.root, PORT: "0" });
  const url = await running.url();
  expect((await fetch(`${url}/startupz`)).status).toBe(200);
  expect((await fetch(url)).status).toBe(401);
  const page = await fetch(url, { headers: bearer("ada") });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("Signalbox");
  expect(await running.stop()).toBe(0);
});

/** Version 2 serves, version 1 is known to be good. */
async function serveVersions(state: StateFolder): Promise<void> {
  const traffic = await createTraffic({ directory: state.path("traffic") });
  const time = (id: string): string => `2026-01-0${id}T00:00:00.000Z`;
  let document = EMPTY_TRAFFIC;
  for (const id of ["1", "2"]) {
    document = applyMove(ENDPOINT, document, {
      kind: id === "1" ? "first" : "advance",
      to: { [version(id)]: 100 },
      cause: `test/${id}`,
      actor: "services/rollout",
      reason: "a test",
      time: time(id),
    });
    document = markGood(ENDPOINT, document, version(id), time(id));
    const written = await traffic.write(ENDPOINT, document);
    if (written.kind === "written") ({ document } = written);
  }
}

describe("the API alone", () => {
  test("answers people and refuses strangers", { timeout: TIMEOUT_MS }, async () => {
    const { state, bearer } = await folder();
    const running = startService("api", { SIGNALBOX_STATE: state.root, PORT: "0" });
    const url = await running.url();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/v1/stacks`)).status).toBe(401);
    const stacks = await fetch(`${url}/v1/stacks`, { headers: bearer("ada") });
    expect(await stacks.json()).toEqual({ stacks: [], nextPageToken: "" });
    expect(await running.stop()).toBe(0);
  });

  test("takes traffic back although the ledger cannot be read", { timeout: TIMEOUT_MS }, async () => {
    const { state, bearer, db } = await folder();
    await serveVersions(state);
    db.close();
    for (const file of ["ledger.db", "ledger.db-wal", "ledger.db-shm"])
      writeFileSync(state.path(file), "no database");
    const running = startService("api", { SIGNALBOX_STATE: state.root, PORT: "0" });
    const url = await running.url();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/v1/stacks`, { headers: bearer("ada") })).status).toBeGreaterThanOrEqual(500);
    const moved = await fetch(`${url}/v1/${ENDPOINT}:rollback`, {
      method: "POST",
      headers: { ...bearer("ada"), "content-type": "application/json" },
      body: JSON.stringify({ reason: "bad answers", from: version("2") }),
    });
    expect(await moved.json()).toMatchObject({ from: version("2"), to: version("1"), epoch: 3 });
    expect(await running.stop()).toBe(0);
  });
});
