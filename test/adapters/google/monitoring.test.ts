// What is scraped bears the labels that pods have and the adapter asks by: of three files each knows only its own names.
import { expect, test } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../../shared/adapters/google/deploys-manifests.ts";
import type { Manifest } from "../../../shared/adapters/google/deploys-template.ts";
import { COUNTER_NAMES, createMetrics } from "../../../shared/adapters/google/metrics.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { DIGEST, manifests } from "../../support/google/cloud-deploys.ts";
import { readSource } from "../../support/source-files.ts";

interface Monitoring {
  readonly spec: {
    readonly selector: {
      readonly matchLabels: Readonly<Record<string, string>>;
      readonly matchExpressions: readonly { readonly key: string; readonly operator: string }[];
    };
    readonly targetLabels: { readonly fromPod: readonly { readonly from: string; readonly to: string }[] };
  };
}

const { spec } = parse(readSource("deploy/kubernetes/monitoring.yaml")) as Monitoring;
const backend = "ranker-7-0123abcd";
const endpoint = "teams/search/endpoints/ranker";

/** The labels of a pod of a release. */
function podLabels(): Readonly<Record<string, string>> {
  const request = {
    endpoint,
    modelVersion: "teams/search/models/ranker/versions/7",
    backend,
    artifact: { uri: "gs://models/ranker/7", digest: DIGEST },
    serving: { manifests: "serving", parameters: {}, directory: "serving" },
    repository: "acme/platform",
    commit: "0".repeat(40),
  };
  const files = [{ path: "serving/server.yaml", bytes: Buffer.from(manifests()) }];
  const [deployment] = renderManifests(request, files, "team-search");
  const template = deployment?.spec?.["template"] as Pick<Manifest, "metadata"> | undefined;
  return template?.metadata?.labels ?? {};
}

test("every pod of a backend is scraped", () => {
  const labels = podLabels();
  expect(labels).toMatchObject(spec.selector.matchLabels);
  expect(spec.selector.matchExpressions).toEqual([{ key: "signalbox.dev/backend", operator: "Exists" }]);
  expect(labels).toHaveProperty(["signalbox.dev/backend"], backend);
});

test("its series bear the labels by which the counters of its endpoint are asked for", async () => {
  const labels = podLabels();
  const target = Object.fromEntries(spec.targetLabels.fromPod.map(({ from, to }) => [to, labels[from]]));
  expect(target).toEqual({ team: "search", endpoint: "ranker", [COUNTER_NAMES.backend]: backend });
  const asked: string[] = [];
  const query = async (selector: string) => {
    asked.push(selector);
    return [];
  };
  await createMetrics({ query, clock }).samples(endpoint, "2000-01-01T00:00:00Z", clock.now().toISOString());
  expect(new Set(asked.map((selector) => /\{.*\}/.exec(selector)?.[0]))).toEqual(
    new Set([`{team="${target["team"]}",endpoint="${target["endpoint"]}"}`]),
  );
});
