// The rollout service as Cloud Run starts it, with everything that it asks on loopback: the official emulators of Firestore and Pub/Sub,
// and fakes of Cloud Deploy, Workflows, the cluster, Secret Manager, Cloud Storage and GitHub.
import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { ROLLOUT_INPUTS } from "../../../services/rollout/rollout.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import type { Decider } from "../../../shared/domain/decider.ts";
import { endpoint as endpointDecider } from "../../../shared/domain/endpoint.ts";
import type { AnyFact } from "../../../shared/domain/fact.ts";
import type { FactType } from "../../../shared/domain/facts.ts";
import { model } from "../../../shared/domain/model.ts";
import { record } from "../../../shared/runtime/record.ts";
import { commitFiles } from "../git-repository.ts";
import { startGithubWorld } from "../github/fixture.ts";
import { fakeWorld, makeNamespace } from "../kubernetes/world.ts";
import { ARTIFACT_SETTINGS } from "./artifact-settings.ts";
import { createCloudDeployFake } from "./cloud-deploy-fake.ts";
import { manifests } from "./cloud-deploys.ts";
import { PROJECT } from "./google-front.ts";
import { createRestFront, restError, type RestFake, type RestFront } from "./rest-front.ts";
import { createSecretsFake } from "./secrets-fake.ts";
import { startOnGoogle } from "./service-on-google.ts";
import { createServingCluster } from "./serving-cluster.ts";
import { startWorkflows } from "./workflows-site.ts";

const PREFIX = "signalbox-prod";
const TEAM = "default";
const FACTS_MAX = 500;
const CLUSTER_HOST = "gke-0.us-central1.gke.goog";
const PLACE = `projects/${PROJECT.id}/locations/${PROJECT.region}`;
const BACKENDS = `${PREFIX}-backends`;

const SETTINGS = {
  ...ARTIFACT_SETTINGS,
  SIGNALBOX_PREFIX: PREFIX,
  SIGNALBOX_REGION: PROJECT.region,
  SIGNALBOX_ARTIFACTS: `gs://${PROJECT.artifacts}`,
  SIGNALBOX_RELEASES_FOLDER: `gs://${PROJECT.fences}/releases`,
  SIGNALBOX_CLUSTER: `${PLACE}/clusters/models`,
  SIGNALBOX_CLUSTER_ENDPOINT: `https://${CLUSTER_HOST}`,
  SIGNALBOX_GATEWAY: "signalbox-gateways/models",
  SIGNALBOX_BACKEND_PORT: "80",
  SIGNALBOX_API_URL: "https://signalbox-prod-api-programs.example",
  SIGNALBOX_HINTS: JSON.stringify({
    "clouddeploy-operations": `projects/${PROJECT.id}/subscriptions/o`,
    "clouddeploy-resources": `projects/${PROJECT.id}/subscriptions/r`,
    "clouddeploy-approvals": `projects/${PROJECT.id}/subscriptions/a`,
  }),
};

async function site(fake: RestFake): Promise<RestFront> {
  const front = await createRestFront(fake);
  onTestFinished(() => front.close());
  return front;
}

/** A cluster that lets in whoever has a token of the metadata server. */
async function startCluster() {
  const world = await fakeWorld();
  onTestFinished(() => world.close());
  await makeNamespace(world.client(), `team-${TEAM}`);
  const front = await site(async ({ method, path, query, headers, body }) => {
    if (headers.authorization?.startsWith("Bearer ya29.") !== true)
      return restError(401, "UNAUTHENTICATED", "No token of Google.");
    const answer = await fetch(`${world.fake.url}${path}?${query.toString()}`, {
      method,
      headers: {
        authorization: "Bearer fake-token",
        "content-type": headers["content-type"] ?? "application/json",
      },
      ...(method === "GET" ? {} : { body: new Uint8Array(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  });
  return { front, serving: createServingCluster(world) };
}

/** A repository of manifests, and the secret of the App that reads it. */
async function startGithub() {
  const github = await startGithubWorld();
  onTestFinished(() => github.close());
  const commit = commitFiles(github.repository.folder, {
    files: { "serving/ranker/server.yaml": manifests() },
  });
  github.branch("main", commit);
  const secrets = createSecretsFake(PROJECT.id);
  const { settings, privateKey, url } = github.fake;
  secrets.add(`${PREFIX}-github-app`, JSON.stringify({ id: settings.appId, pem: privateKey }));
  return { commit, port: Number(new URL(url).port), secrets: await site(secrets.fake) };
}

/** Starts it. Everything ends with the test. */
export async function startRolloutOnGoogle() {
  const cluster = await startCluster();
  const github = await startGithub();
  const workflows = await startWorkflows(`${PREFIX}-canary`);
  let handle: RestFake = () => restError(503, "UNAVAILABLE", "It is being started.");
  const at = await startOnGoogle("rollout", SETTINGS, {
    "clouddeploy.googleapis.com": await site((request) => handle(request)),
    "workflowexecutions.googleapis.com": workflows,
    "secretmanager.googleapis.com": github.secrets,
    "api.github.com": { port: github.port },
    [CLUSTER_HOST]: cluster.front,
  });
  const deploy = createCloudDeployFake({
    pipeline: `${PLACE}/deliveryPipelines/${BACKENDS}`,
    target: BACKENDS,
    bucket: PROJECT.fences,
    objects: at.google.fences.objects,
    cluster: cluster.serving,
  });
  ({ handle } = deploy);
  return { ...at, ...handlesOf(at, github.commit), deploy, workflows, refused: cluster.serving.refused };
}

/** What people, trainers and Pub/Sub do. */
function handlesOf(at: Awaited<ReturnType<typeof startOnGoogle>>, commit: string) {
  const ports = { ledger: at.ledger, clock, announce: async () => undefined };
  const recorded = <State, Input, Type extends FactType>(
    decider: Decider<State, Input, Type>,
    stream: string,
    cause: string,
    input: Input,
  ) => record(ports, decider, { stream, cause, input, actor: "people/test" });
  const facts = async (): Promise<readonly AnyFact[]> =>
    (await at.ledger.list({ limit: FACTS_MAX, order: "oldest-first" })).facts;
  const wanted = (fact: AnyFact): boolean => ROLLOUT_INPUTS.includes(fact.type);
  const carried = new Set<string>();
  const nameOf = (name: string) => ({
    endpoint: `teams/${TEAM}/endpoints/${name}`,
    stream: `teams/${TEAM}/models/${name}`,
  });
  return {
    facts,
    /** Configures the endpoint of a model; nobody is told yet. */
    async configure(name: string): Promise<void> {
      const serving = { manifests: "serving/ranker", parameters: {}, directory: "serving/ranker" };
      const settings = { repository: "acme/platform", commit, serving, rollout: {}, standbyMs: 60_000 };
      await recorded(endpointDecider, nameOf(name).endpoint, "configure", { kind: "configure", settings });
    },
    /** Registers a version for it and has it verified, as the registry does; nobody is told yet. */
    async register(name: string, id: number): Promise<string> {
      const { endpoint, stream } = nameOf(name);
      const bytes = Buffer.from(`${name} ${id}`);
      at.google.artifacts.overwrite(`${name}/${id}`, bytes);
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const artifact = { uri: `gs://${PROJECT.artifacts}/${name}/${id}`, digest };
      const version = { model: stream, versionId: String(id), artifact, datasets: [], metrics: {}, endpoint };
      await recorded(model, stream, `create/${id}`, { kind: "create", ...version });
      const modelVersion = `${stream}/versions/${id}`;
      await recorded(model, stream, `verify/${id}`, { kind: "verified", modelVersion });
      return modelVersion;
    },
    /** Pushes what the service subscribes to, also what it says itself, until there is nothing new; answers every status. */
    async carry(): Promise<readonly number[]> {
      const statuses: number[] = [];
      for (;;) {
        const due = (await facts()).filter((fact) => wanted(fact) && !carried.has(fact.id));
        if (due.length === 0) return statuses;
        for (const fact of due) {
          carried.add(fact.id);
          statuses.push(await at.push(fact));
        }
      }
    },
    /** Pushes all of that once more, at once and newest first. */
    again: async (): Promise<readonly number[]> =>
      Promise.all((await facts()).filter(wanted).toReversed().map(at.push)),
  };
}
