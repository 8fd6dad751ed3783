// Chapters 3, 4 and 6: versions are registered and rolled out on evidence; a bad one is taken back; a person takes one back.
import { type LiveTraffic, type TrafficCount, startTraffic } from "./live-traffic.ts";
import { type ArtifactFile, writeModel } from "./models.ts";
import { type Answer, type Stage, TourError } from "./stage.ts";

/** The endpoint of the tour. */
export const ENDPOINT = "teams/default/endpoints/ranker";
const MODEL = "teams/default/models/ranker";
/** Requests a second that the tour sends. */
export const REQUESTS_PER_SECOND = 200;
const ROLLOUT_MS = 90_000;
/** So long must only one version have answered before the switch counts as done. */
const QUIET_MS = 1_000;

const versionName = (version: string): string => `${MODEL}/versions/${version}`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What a registration says beside the artifact. */
export interface Training {
  readonly trainingRun?: string;
  readonly datasets?: readonly string[];
  readonly commit?: string;
}

/** Publishes a model-registered event, in the structured or the binary mode of CloudEvents. */
export async function register(
  stage: Stage,
  version: string,
  artifact: ArtifactFile,
  training: Training,
  mode: "structured" | "binary",
): Promise<void> {
  const data = {
    team: "default",
    model: "ranker",
    version,
    artifact,
    metrics: { ndcg: 0.4 + Number(version) / 100 },
    endpoint: ENDPOINT,
    ...training,
  };
  const type = "dev.signalbox.model-version.registered.v1";
  const head = { specversion: "1.0", id: `ranker-${version}`, source: "//training.example.com/ranker", type };
  const headers: Record<string, string> = { authorization: `Bearer ${stage.tokens.ada}` };
  let body: unknown = data;
  if (mode === "structured") {
    headers["content-type"] = "application/cloudevents+json";
    body = { ...head, datacontenttype: "application/json", data };
  } else {
    headers["content-type"] = "application/json";
    for (const [name, value] of Object.entries(head)) headers[`ce-${name}`] = value;
  }
  const response = await fetch(`${stage.url}/v1/events`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok)
    throw new TourError(`Registering version ${version} answered ${response.status}: ${text}`);
  stage.narrator.say(`Version ${version} of ranker is registered by a CloudEvent (${mode} mode).`);
}

/** The newest rollout of a version, once there is one. */
async function rolloutOf(stage: Stage, version: string): Promise<Answer | undefined> {
  const rollouts = await stage.list(`/v1/${ENDPOINT}/rollouts`);
  return rollouts.filter((rollout) => rollout["modelVersion"] === versionName(version)).at(-1);
}

const ENDED = new Set(["PROMOTED", "ROLLED_BACK", "ABORTED"]);

/** Follows a rollout to its end, telling each step with the evidence at that time. */
async function follow(
  stage: Stage,
  version: string,
  traffic: LiveTraffic | undefined,
): Promise<{ readonly rollout: Answer; readonly counts: TrafficCount }> {
  const { narrator } = stage;
  let told = 0;
  let counts: TrafficCount = { requests: 0, failed: 0, byVersion: new Map() };
  traffic?.take();
  const rollout = await stage.until(
    `the rollout of version ${version} ends`,
    async () => {
      const found = await rolloutOf(stage, version);
      const ended = found !== undefined && ENDED.has(String(found["state"]));
      const steps = (found?.["steps"] ?? []) as readonly { weight: number; evidence?: string }[];
      for (const { weight, evidence: words } of steps.slice(told)) {
        // A step and its evidence are two facts, which come in any order where services are processes.
        if (words === undefined && !ended) break;
        narrator.say(`version ${version} → ${weight} %`);
        if (words !== undefined && words !== "") narrator.detail(words);
        told += 1;
      }
      return ended ? found : undefined;
    },
    ROLLOUT_MS,
  );
  if (traffic !== undefined) counts = traffic.take();
  return { rollout, counts };
}

function evidence(rollout: Answer | undefined): string {
  const judgement = rollout?.["judgement"] as { sentence?: string } | undefined;
  return judgement?.sentence === undefined ? "" : `· ${judgement.sentence}`;
}

function expectState(rollout: Answer, state: string): void {
  if (rollout["state"] === state) return;
  const { name, state: found, reason } = rollout;
  throw new TourError(`${String(name)} is ${String(found)} and not ${state}: ${JSON.stringify(reason)}`);
}

/** Version 1: the first, judged alone. Starts the live traffic when it serves. */
export async function firstVersion(stage: Stage): Promise<LiveTraffic> {
  const { narrator } = stage;
  const artifact = await writeModel(stage.artifacts, "1", { errorRate: 0, latencyMs: 2 });
  await register(stage, "1", artifact, { trainingRun: "teams/default/runs/train-ranker-1" }, "binary");
  await stage.until("version 1 serves", async () => {
    const endpoint = await stage.get(`/v1/${ENDPOINT}`);
    return (endpoint["weights"] as Record<string, number> | undefined)?.[versionName("1")] === 100
      ? true
      : undefined;
  });
  const traffic = startTraffic(stage.gatewayUrl, "/ranker/v1/predict", REQUESTS_PER_SECOND);
  narrator.say(
    `Version 1 serves as a real HTTP server; ${REQUESTS_PER_SECOND} requests/s now go through ${stage.gatewayUrl}/ranker.`,
  );
  try {
    const { rollout } = await follow(stage, "1", traffic);
    expectState(rollout, "PROMOTED");
    narrator.say(`Version 1 is in good standing. ${evidence(rollout)}`);
    return traffic;
  } catch (error) {
    // Nobody else knows of it yet, and it would keep the process alive.
    await traffic.stop();
    throw error;
  }
}

/** Version 2: as good as version 1, so it is promoted. */
export async function goodVersion(stage: Stage, traffic: LiveTraffic, training: Training): Promise<void> {
  const artifact = await writeModel(stage.artifacts, "2", { errorRate: 0, latencyMs: 2 });
  await register(stage, "2", artifact, training, "structured");
  const { rollout, counts } = await follow(stage, "2", traffic);
  expectState(rollout, "PROMOTED");
  stage.narrator.say(`Version 2 is promoted. ${evidence(rollout)}`);
  stage.narrator.figure(
    "version 2: start → promoted (policy of the tour)",
    seconds(Number(rollout["durationMs"])),
  );
  stage.narrator.figure("failed requests during that rollout", `${counts.failed} of ${counts.requests}`);
  if (counts.failed > 0 && stage.interrupted !== true)
    throw new TourError(`${counts.failed} requests failed while version 2 was rolled out`);
}

/** Version 3: answers 10 % of its requests with errors, so the judge takes it back. */
export async function badVersion(stage: Stage, traffic: LiveTraffic): Promise<void> {
  const { narrator } = stage;
  const artifact = await writeModel(stage.artifacts, "3", { errorRate: 0.1, latencyMs: 2 });
  await register(stage, "3", artifact, {}, "structured");
  const { rollout, counts } = await follow(stage, "3", traffic);
  expectState(rollout, "ROLLED_BACK");
  const [first] = (rollout["steps"] ?? []) as readonly { time: string }[];
  const taken = Date.parse(String(rollout["endTime"])) - Date.parse(String(first?.time));
  narrator.say(`The judge takes version 3 back. ${evidence(rollout)}`);
  narrator.figure("version 3: first request → rolled back", seconds(taken));
  narrator.figure("failed requests until then", `${counts.failed} of ${counts.requests}`);
}

/** A person rolls version 2 back while the traffic flows. */
export async function rollBack(stage: Stage, traffic: LiveTraffic): Promise<{ readonly before: string }> {
  const { narrator } = stage;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = new Date().toISOString();
  traffic.take();
  const started = performance.now();
  const moved = await stage.post(
    `/v1/${ENDPOINT}:rollback`,
    {
      reason: "Answers look wrong on the new catalogue",
      from: versionName("2"),
      requestId: `tour-${Date.now()}`,
    },
    "grace",
  );
  const elapsed = performance.now() - started;
  if (moved["to"] !== versionName("1"))
    throw new TourError(`The rollback went to ${String(moved["to"])} and not to version 1`);
  const seen = await switched(stage, traffic);
  narrator.figure(
    "rollback: call → route moved (as the API measured it)",
    `${Number(moved["milliseconds"]).toFixed(0)} ms`,
  );
  narrator.figure("rollback: call → answer", `${elapsed.toFixed(0)} ms`);
  narrator.figure("failed requests during the rollback", `${seen.failed} of ${seen.requests}`);
  if (seen.failed > 0 && stage.interrupted !== true)
    throw new TourError(`${seen.failed} requests failed during the rollback`);
  return { before };
}

/** What the traffic saw from the rollback on until a second in which nothing but version 1 answered. */
async function switched(
  stage: Stage,
  traffic: LiveTraffic,
): Promise<{ readonly requests: number; readonly failed: number }> {
  let requests = 0;
  let failed = 0;
  let since = performance.now();
  await stage.until("version 1 answers every request", async () => {
    const count = traffic.take();
    requests += count.requests;
    failed += count.failed;
    const others = [...count.byVersion.keys()].some((version) => !version.endsWith("1"));
    if (others || requests === 0) since = performance.now();
    return performance.now() - since > QUIET_MS ? true : undefined;
  });
  return { requests, failed };
}
