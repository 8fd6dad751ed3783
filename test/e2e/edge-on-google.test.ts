// The API and the console as processes on Google Cloud: who is let in at each door, and a rollback while nothing of Google answers but
// what a rollback needs: the word on who asks, and the cluster.
import { randomBytes } from "node:crypto";
import { request } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTraffic } from "../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { backendName } from "../../shared/domain/backend.ts";
import { editTraffic, moveTraffic } from "../../shared/runtime/traffic.ts";
import { markGood } from "../../shared/domain/traffic-standing.ts";
import { DOORS, EDGE_HOST, PUSH_ACCOUNT, startEdgeWorld } from "../support/google/edge.ts";
import type { Site } from "../support/google/internet.ts";
import { userName } from "../support/kubernetes/apiserver.ts";
import {
  KUBERNETES_MISSING,
  KUBERNETES_NOTE,
  KUBERNETES_START_MS,
  sharedApiServer,
} from "../support/kubernetes/found.ts";
import { applyManifest } from "../support/kubernetes/manifests.ts";
import { fakeWorld, type KubernetesWorld, makeNamespace, realWorld } from "../support/kubernetes/world.ts";
import { startService } from "../support/service-process.ts";

const TIMEOUT_MS = 120_000;
/** What a rollback may take on a machine that is busy with other tests; DESIGN promises a second. */
const ROLLBACK_MS = 5_000;

interface Cluster {
  readonly world: KubernetesWorld;
  readonly site: Site;
  readonly token: string;
}

/** An API server in which version 2 of a team's endpoint serves and version 1 was good before it. */
async function serving({ world }: Cluster) {
  const team = `t${randomBytes(4).toString("hex")}`;
  const endpoint = `teams/${team}/endpoints/ranker`;
  const version = (id: number): string => `teams/${team}/models/ranker/versions/${id}`;
  const placement = { gateway: { namespace: "signalbox-gateways", name: "models" }, backendPort: 80 };
  const admin = world.client();
  if (world.fake === undefined) {
    await applyManifest(admin, "roles.yaml");
    await applyManifest(admin, "team.yaml", {
      TEAM_NAMESPACE: `team-${team}`,
      ROLLBACK_IDENTITY: userName("rollback"),
      ROLLOUT_IDENTITY: userName("rollout"),
    });
  } else await makeNamespace(admin, `team-${team}`);
  const traffic = createTraffic({ client: admin, placement, drifted: () => undefined });
  const ports = { traffic, clock };
  const order = { endpoint, actor: "services/rollout", reason: "a test" } as const;
  const move = (id: number, kind: "first" | "advance") =>
    moveTraffic(ports, {
      ...order,
      kind,
      to: { [version(id)]: 100 },
      cause: `c${id}`,
      expectedEpoch: id - 1,
    });
  await move(1, "first");
  await editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, version(1), time));
  await move(2, "advance");
  return { endpoint, version, read: () => traffic.read(endpoint) };
}

const fakeCluster = async (): Promise<Cluster> => {
  const world = await fakeWorld();
  onTestFinished(() => world.close());
  return { world, site: { port: Number(new URL(world.fake.url).port) }, token: "fake-token" };
};

/** The identity of the API in the cluster is that of the rollback, which may get and patch routes and nothing else. */
const realCluster = async (): Promise<Cluster> => {
  const world = await realWorld();
  onTestFinished(() => world.close());
  const { url, ca, tokens } = await sharedApiServer();
  return { world, site: { port: Number(new URL(url).port), ca }, token: tokens.rollback };
};

/** Asks as Google's front end does: under the edge's own name, whatever address it is. */
async function ask(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await request(new URL(path, url), {
    method: body === undefined ? "GET" : "POST",
    headers: { host: EDGE_HOST, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

const asserted = async (token: Promise<string>) => ({ "x-goog-iap-jwt-assertion": await token });
const bearer = async (token: Promise<string>) => ({ authorization: `Bearer ${await token}` });

describe.each([
  { name: "a fake cluster", skip: false, start: fakeCluster },
  { name: `${KUBERNETES_NOTE}a real API server`, skip: KUBERNETES_MISSING, start: realCluster },
])("on $name, while Firestore, Pub/Sub, Prometheus and the rest of Google are away", ({ skip, start }) => {
  test.skipIf(skip)(
    "a person behind IAP takes traffic back, sees what serves, and resumes",
    { timeout: TIMEOUT_MS + KUBERNETES_START_MS },
    async () => {
      const cluster = await start();
      const { endpoint, version, read } = await serving(cluster);
      const { iap, start: startEdge } = await startEdgeWorld(cluster.site, cluster.token);
      const api = startEdge("api", DOORS.people);
      const url = await api.url();
      expect((await ask(url, "/startupz", {})).status).toBe(200);
      expect((await ask(url, "/livez", {})).status).toBe(200);

      const grace = await asserted(iap.sign());
      const began = performance.now();
      const order = { reason: "errors", from: version(2) };
      const moved = await ask(url, `/v1/${endpoint}:rollback`, grace, order);
      expect([moved.status, JSON.parse(moved.text)]).toEqual([
        200,
        expect.objectContaining({ from: version(2), to: version(1), epoch: 3, alreadyMoved: false }),
      ]);
      expect(performance.now() - began).toBeLessThan(ROLLBACK_MS);
      expect(await read()).toMatchObject({
        weights: { [backendName(endpoint, version(1))]: 100 },
        traffic: { hold: { actor: "grace" } },
      });

      const now = await ask(url, `/v1/${endpoint}:resolveServing`, grace);
      expect(JSON.parse(now.text)).toMatchObject({ epoch: 3, versions: [{ modelVersion: version(1) }] });
      const stacks = await ask(url, "/v1/stacks", grace);
      expect(stacks.status).toBeGreaterThanOrEqual(500);
      const resumed = await ask(url, `/v1/${endpoint}:resume`, grace, { reason: "mended" });
      expect(JSON.parse(resumed.text)).toMatchObject({ resumed: true, recorded: false });
      expect((await read())?.traffic.hold).toBeNull();
      expect(await api.stop()).toBe(0);
    },
  );
});

test("each door lets in only who stands behind it, and says so", { timeout: TIMEOUT_MS }, async () => {
  const cluster = await fakeCluster();
  const { endpoint, version } = await serving(cluster);
  const { iap, google, github, start } = await startEdgeWorld(cluster.site, cluster.token);
  const serves = `/v1/${endpoint}:resolveServing`;
  const eve = { claims: { email: "eve@example.com" } };

  const people = start("api", DOORS.people);
  const door = await people.url();
  const status = async (headers: Readonly<Record<string, string>>) =>
    (await ask(door, serves, headers)).status;
  expect(await status(await asserted(iap.sign()))).toBe(200);
  expect(await status({})).toBe(401);
  expect(await status(await bearer(google.sign()))).toBe(401);
  expect(
    await status(
      await asserted(iap.sign({ claims: { aud: "/projects/123/locations/us-central1/services/other" } })),
    ),
  ).toBe(401);
  const stranger = await ask(door, serves, await asserted(iap.sign(eve)));
  expect([stranger.status, JSON.parse(stranger.text)]).toEqual([
    403,
    expect.objectContaining({
      error: expect.objectContaining({ message: expect.stringMatching(/eve@example\.com .*ask an admin/) }),
    }),
  ]);
  const foreign = { ...(await asserted(iap.sign())), "sec-fetch-site": "cross-site" };
  expect(
    (await ask(door, `/v1/${endpoint}:rollback`, foreign, { reason: "r", from: version(2) })).status,
  ).toBe(401);
  expect((await ask(door, "/v1/events:push", {}, {})).status).toBe(404);
  expect(await people.stop()).toBe(0);

  const programs = start("api", DOORS.programs);
  const other = await programs.url();
  const told = async (headers: Readonly<Record<string, string>>) =>
    (await ask(other, serves, headers)).status;
  expect(await told(await bearer(google.sign()))).toBe(200);
  expect(await told(await bearer(github.sign()))).toBe(200);
  expect(await told(await bearer(google.sign(eve)))).toBe(403);
  expect(await told(await bearer(github.sign({ claims: { repository_id: "78" } })))).toBe(401);
  expect(await told(await asserted(iap.sign()))).toBe(401);
  const [header, payload] = (await google.sign()).split(".");
  const checked = { authorization: `Bearer ${header}.${payload}.SIGNATURE_REMOVED_BY_GOOGLE` };
  expect(await told(checked)).toBe(200);
  expect(await told({ ...checked, "x-serverless-authorization": "Bearer another" })).toBe(401);
  const push = { claims: { aud: "signalbox-prod-api-programs", email: PUSH_ACCOUNT } };
  const subscription = DOORS.programs.SIGNALBOX_SUBSCRIPTION;
  const data = Buffer.from("{}").toString("base64");
  const pushed = async (said: object, body: object) =>
    (await ask(other, "/v1/events:push", await bearer(google.sign(said)), body)).status;
  // What cannot be kept as a dead letter while Firestore is away comes again.
  expect(await pushed(push, { message: { data }, subscription })).toBeGreaterThanOrEqual(500);
  expect(await pushed(push, { message: { data }, subscription: `${subscription}-other` })).toBe(403);
  expect(await pushed({}, { message: { data }, subscription })).toBe(401);
  expect(await programs.stop()).toBe(0);
  expect(`${people.output()}${programs.output()}`).not.toMatch(/fake-token|eyJ/);
});

test(
  "the console shows a person what the cluster serves, and a stranger whom to ask",
  { timeout: TIMEOUT_MS },
  async () => {
    const cluster = await fakeCluster();
    await serving(cluster);
    const { iap, start } = await startEdgeWorld(cluster.site, cluster.token);
    const page = start("console", DOORS.people);
    const url = await page.url();
    const html = { accept: "text/html" };
    const shown = await ask(url, "/", { ...html, ...(await asserted(iap.sign())) });
    expect([shown.status, shown.text]).toEqual([200, expect.stringMatching(/ranker 2 <b>100 %<\/b>/)]);
    const eve = await asserted(iap.sign({ claims: { email: "eve@example.com" } }));
    const refused = await ask(url, "/", { ...html, ...eve });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("eve@example.com")]);
    expect(await page.stop()).toBe(0);
  },
);

test(
  "an edge that lacks settings or secrets says all that it lacks, and does not start",
  { timeout: TIMEOUT_MS },
  async () => {
    const bare = startService("api", { SIGNALBOX_WORLD: "google-cloud", SIGNALBOX_DOOR: "programs" });
    expect(await bare.ended()).toBe(1);
    for (const name of [
      "SIGNALBOX_STATE",
      "GOOGLE_CLOUD_PROJECT",
      "SIGNALBOX_HOSTS",
      "SIGNALBOX_PREFIX",
      "SIGNALBOX_CLUSTER_ENDPOINT",
      ...Object.keys(DOORS.programs).filter((each) => each !== "SIGNALBOX_DOOR"),
    ])
      expect(bare.output()).toContain(`${name} is missing`);

    const cluster = await fakeCluster();
    const { secrets, start } = await startEdgeWorld(cluster.site, cluster.token);
    secrets.add("signalbox-prod-principals", '{"principals": [{"principal": "Grace"}]}');
    const misled = start("api", DOORS.people);
    expect(await misled.ended()).toBe(1);
    expect(misled.output()).toMatch(/The secret principals cannot be used, so nobody can be let in/);
  },
);
