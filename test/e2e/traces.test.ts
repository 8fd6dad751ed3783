// Traces: off by default; where the standard variables ask for them, one trace joins a delivery with the apply that it led to, and
// another a registration with its promotion.
import { expect, test, vi } from "vitest";
import { openTracing, samplerOf, tracesWanted } from "../../scripts/compose/open-tracing.ts";
import { inSpan } from "../../shared/runtime/tracing.ts";
import { configurationText, createDemoPlatform, ENDPOINT } from "../support/demo-platform.ts";
import { appliesUntil, plainTerraform, UNATTENDED_STACK } from "../support/gated-stack.ts";
import { startTestInstallation } from "../support/installation.ts";
import { startLiveRequests } from "../support/live-requests.ts";
import { type ReceivedSpan, startOtlpReceiver } from "../support/otlp.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { createLogBook } from "../support/world.ts";

const TIMEOUT_MS = 240_000;
const SITE = "stacks/site/main.tf";

/** The names of a span and of all above it, from the root on. */
function wayTo(spans: readonly ReceivedSpan[], name: string): readonly (readonly string[])[] {
  const byId = new Map(spans.map((span) => [`${span.trace}/${span.id}`, span]));
  const above = (span: ReceivedSpan | undefined): readonly string[] =>
    span === undefined ? [] : [...above(byId.get(`${span.trace}/${span.parent}`)), span.name];
  return spans.filter((span) => span.name === name).map(above);
}

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}one trace leads from a delivery to its apply, another from a registration to its promotion`,
  async () => {
    const receiver = await startOtlpReceiver();
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url);
    const stop = await openTracing(process.env, createLogBook());
    const installation = await startTestInstallation();
    try {
      const { api, state, url, keys, gatewayUrl } = installation;
      const platform = await createDemoPlatform(
        { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
        configurationText({ stacks: UNATTENDED_STACK }),
        { [SITE]: plainTerraform("none") },
      );
      await platform.push({ [SITE]: plainTerraform("one") }, "Begin");
      await appliesUntil(
        "an apply is finished",
        () => api,
        (all) => all.some((apply) => apply["state"] === "FINISHED"),
      );
      const traffic = startLiveRequests(gatewayUrl, "ranker", 60);
      await platform.register("1");
      await api.awaits(
        "version 1 is promoted",
        `/v1/${ENDPOINT}`,
        ({ running, epoch }) => epoch === 1 && running === null,
      );
      await traffic.stop();
    } finally {
      await installation.close();
      await stop();
      vi.unstubAllEnvs();
    }
    const { spans } = receiver;
    const applied =
      wayTo(spans, "process apply.finished").find((way) => way[0] === "POST /webhooks/github") ?? [];
    expect(applied).toContain("process delivery.received");
    expect(applied.at(-2)).toBe("terraform apply");
    expect(wayTo(spans, "terraform plan").map((way) => way[0])).toContain("POST /webhooks/github");
    const promoted = wayTo(spans, "process rollout.promoted").map((way) => way.slice(0, 3));
    expect(promoted).toContainEqual([
      "POST /v1/events",
      "process model-version.created",
      "process model-version.verified",
    ]);
    const build = spans.find(({ name }) => name === "terraform apply");
    expect(build?.attributes).toMatchObject({
      "cicd.pipeline.task.name": "apply",
      "cicd.pipeline.task.run.result": "success",
    });
    const text = Buffer.concat(receiver.bytes).toString("latin1");
    for (const secret of [
      ...installation.tokens.values(),
      installation.keys.webhookSecret,
      installation.keys.pageKey,
    ])
      expect(text).not.toContain(secret);
  },
  TIMEOUT_MS,
);

test("without the variables nothing is traced, and work goes on as it is", async () => {
  expect(tracesWanted({})).toBe(false);
  expect(tracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" })).toBe(true);
  expect(
    tracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "true" }),
  ).toBe(false);
  expect(
    tracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_TRACES_EXPORTER: "none" }),
  ).toBe(false);
  const log = createLogBook();
  const stop = await openTracing({}, log);
  expect(await inSpan({ parent: "", name: "x", kind: "internal", attributes: {} }, async () => 7)).toBe(7);
  await stop();
  expect(log.lines).toEqual([]);
});

test.each([
  [{}, true],
  [{ OTEL_TRACES_SAMPLER: "always_off" }, false],
  [{ OTEL_TRACES_SAMPLER: "parentbased_always_on" }, true],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, false],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }, undefined],
  [{ OTEL_TRACES_SAMPLER: "jaeger_remote" }, undefined],
])("%j keeps a trace: %s", (env, kept) => {
  expect(samplerOf(env, (share) => () => share > 0)?.("0".repeat(32))).toBe(kept);
});
