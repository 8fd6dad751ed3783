// Traces of services in processes of their own: each tells its spans under its name, and a story goes on from one to the next.
import { expect, onTestFinished, test } from "vitest";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openKeys, openPrincipals, openStateFolder } from "../../scripts/compose/state-folder.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PEOPLE } from "../support/installation.ts";
import { startOtlpReceiver } from "../support/otlp.ts";
import { startService } from "../support/service-process.ts";
import { until } from "../support/until.ts";

const PUSH_TOKEN = "a push token of a test, long enough to be one";
const MODEL = "teams/default/models/ranker";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const REGISTRATION = {
  specversion: "1.0",
  id: "ranker-1",
  source: "//training.example.com/ranker",
  type: "dev.signalbox.model-version.registered.v1",
  datacontenttype: "application/json",
  data: {
    team: "default",
    model: "ranker",
    version: "1",
    artifact: { uri: "file:///nowhere", digest: `tree-sha256:${"0".repeat(64)}` },
  },
};

test("a registration is followed from the API into the registry", { timeout: 120_000 }, async () => {
  const receiver = await startOtlpReceiver();
  const state = await openStateFolder(temporaryFolder());
  await openKeys(state);
  const tokens = await openPrincipals(state, PEOPLE);
  const { db, ledger } = openLedger(state);
  onTestFinished(() => db.close());
  const common = {
    SIGNALBOX_STATE: state.root,
    PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  };
  const api = startService("api", common);
  const registry = startService("registry", { ...common, SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN });

  const registered = await fetch(`${await api.url()}/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tokens.get("ada") ?? ""}`,
      "content-type": "application/cloudevents+json",
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify(REGISTRATION),
  });
  expect(registered.status).toBeLessThan(300);
  const created = await until("the version to be recorded", async () => {
    const { facts } = await ledger.read(MODEL, 0);
    return facts.find(({ type }) => type === "model-version.created");
  });
  const pushed = await fetch(await registry.url(), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${PUSH_TOKEN}` },
    body: pushBody(created, "local/test"),
  });
  expect(pushed.status).toBe(204);
  // The last spans are sent before a process ends.
  expect(await api.stop()).toBe(0);
  expect(await registry.stop()).toBe(0);

  const told = receiver.spans.map(({ service, name, trace }) => `${trace} ${service}: ${name}`);
  expect(told).toContain(`${TRACE} api: POST /v1/events`);
  expect(told).toContain(`${TRACE} registry: process model-version.created`);
});
