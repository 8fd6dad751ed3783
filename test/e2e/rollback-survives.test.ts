// A person takes a version back under live traffic while a part of the control plane is down; what they did is recorded later.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { EmbeddedAdapters } from "../../scripts/compose/adapters.ts";
import { openWorkflows } from "../../scripts/compose/open-workflows.ts";
import type { LocalExecutions } from "../../shared/adapters/local/executions.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { type Breakable, breakable, type Outage } from "../support/breakable.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  versionName,
} from "../support/demo-platform.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { failedRequests, type LiveRequests, startLiveRequests } from "../support/live-requests.ts";
import { until } from "../support/until.ts";

const REQUESTS_PER_SECOND = 100;
/** A rollback must have moved the route by then. */
const MOVED_WITHIN_MS = 1_000;
/** Answers that must come from the good version alone before the switch counts as seen. */
const ANSWERS_SEEN = 50;

type Part = "ledger" | "bus" | "executions" | "metrics";
const PARTS = ["ledger", "bus", "executions", "metrics"] as const satisfies readonly Part[];
const OUTAGES: readonly { readonly how: Outage; readonly words: string }[] = [
  { how: "fails", words: "fails every call" },
  { how: "silent", words: "never answers" },
];

let installation: TestInstallation;
let platform: DemoPlatform;
let requests: LiveRequests;
let versions = 1;
let switches: Readonly<Record<Part, Breakable<object>>>;
let engine: LocalExecutions;
let startEngine: () => Promise<void>;

/** Puts a switch in front of the four parts. The engine behind its port can be started anew, as after a crash. */
function withSwitches(adapters: EmbeddedAdapters): EmbeddedAdapters {
  const { db, clock, log, outbox, deadLetters } = adapters;
  const ledger = breakable("the ledger", adapters.ledger);
  const bus = breakable("the bus", adapters.bus);
  const executions = breakable("the workflow engine", adapters.executions);
  const metrics = breakable("the metrics", adapters.metrics);
  switches = { ledger, bus, executions, metrics };
  engine = adapters.executions;
  startEngine = async () => {
    const workflows = await openWorkflows({ db, keys: installation.keys, log });
    workflows.apiAnswersAt(installation.url);
    engine = workflows.executions;
    executions.replace(engine);
    await engine.resume();
  };
  const pump = createPump({ outbox, bus: bus.port, deadLetters, clock, log });
  return {
    ...adapters,
    ledger: ledger.port,
    bus: bus.port,
    executions: executions.port,
    metrics: metrics.port,
    pump,
    announce: pump.announce,
  };
}

beforeAll(async () => {
  installation = await startTestInstallation({ wrap: withSwitches });
  const { state, api, url, keys } = installation;
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    // Long steps: the canary stays where it is until somebody moves it.
    configurationText({ minSeconds: 600 }),
  );
  await platform.register("1");
  await api.awaits("version 1 serves", `/v1/${ENDPOINT}`, serves("1", 100));
  requests = startLiveRequests(installation.gatewayUrl, "ranker", REQUESTS_PER_SECOND);
  await until(
    "version 1 is in good standing",
    async () => ((await platform.rolloutOf("1"))?.["state"] === "PROMOTED" ? true : undefined),
    30_000,
  );
}, 120_000);

afterAll(async () => {
  await requests?.stop();
  await installation?.close();
});

function serves(version: string, percent: number): (endpoint: Readonly<Record<string, unknown>>) => boolean {
  return (endpoint) =>
    (endpoint["weights"] as Readonly<Record<string, number>> | undefined)?.[versionName(version)] === percent;
}

/** Registers the next version and waits until the canary sends half of the traffic to it. */
async function splitTraffic(): Promise<string> {
  versions += 1;
  const version = String(versions);
  await platform.register(version);
  await installation.api.awaits(
    `version ${version} has half of the traffic`,
    `/v1/${ENDPOINT}`,
    serves(version, 50),
  );
  return version;
}

/** Rolls a version back, and answers the epoch of the move. */
async function rollBack(version: string): Promise<number> {
  requests.forget();
  const calledMs = performance.now();
  const { status, answer } = await installation.api.call("POST", `/v1/${ENDPOINT}:rollback`, {
    as: "ada",
    body: { reason: "wrong answers", from: versionName(version), requestId: `take-${version}-back` },
  });
  const answeredMs = performance.now();
  expect({ status, answer }).toMatchObject({
    status: 200,
    answer: { to: versionName("1"), weights: { [versionName("1")]: 100 }, alreadyMoved: false },
  });
  expect(answeredMs - calledMs).toBeLessThan(MOVED_WITHIN_MS);
  const later = await until("requests are answered after the move", () => {
    const begunLater = requests.answered.filter(({ begunMs }) => begunMs > answeredMs);
    return begunLater.length >= ANSWERS_SEEN ? begunLater : undefined;
  });
  expect(new Set(later.map((request) => request.version))).toEqual(new Set([versionName("1")]));
  return answer["epoch"] as number;
}

/** Waits until everything that follows from the rollback has been recorded. */
async function expectRecorded(version: string, epoch: number): Promise<void> {
  const { api, adapters } = installation;
  const moved = await until("the move is recorded", async () =>
    (await adapters.ledger.read(ENDPOINT)).facts.find(
      (fact) => fact.type === "traffic.moved" && fact.data.epoch === epoch,
    ),
  );
  expect(moved).toMatchObject({ data: { kind: "rollback", to: { [versionName("1")]: 100 } } });
  await until("the end of the rollout is recorded", async () =>
    (await platform.rolloutOf(version))?.["state"] === "ROLLED_BACK" ? true : undefined,
  );
  await api.awaits("the endpoint is held", `/v1/${ENDPOINT}`, ({ held }) => held === true);
  const { facts } = await adapters.ledger.read(ENDPOINT);
  const types = facts.map(({ type }) => type);
  expect(types.filter((type) => type === "traffic.moved")).toHaveLength(epoch);
  expect(types).not.toContain("traffic.history-gap");
  expect(facts.findLast(({ type }) => type === "endpoint.held")).toMatchObject({
    data: { reason: "wrong answers" },
  });
}

describe.each(PARTS)(
  "while the part %s is down, the rollback moves the route, and is recorded afterwards",
  (part) => {
    test.each(OUTAGES)("when it $words", async ({ how }) => {
      const version = await splitTraffic();
      const broken = switches[part];
      onTestFinished(() => broken.mend());
      if (part === "executions") await engine.close();
      broken.breaks(how);
      const missed = () =>
        until("somebody misses the part that is down", () => broken.met() > 0 || undefined);
      // Nobody misses the bus before there is something to say.
      if (part !== "bus") await missed();
      const epoch = await rollBack(version);
      await missed();
      if (part === "executions") await startEngine();
      broken.mend();
      await expectRecorded(version, epoch);
      expect(failedRequests(requests.answered)).toEqual([]);
      await installation.api.post(`/v1/${ENDPOINT}:resume`, { reason: "looked at it" }, "grace");
    });
  },
);
