// Answers of a cluster that no good server gives: what is read of them is refused by name or taken as it is, and nothing is half done.
import { expect, it, onTestFinished } from "vitest";
import { createKubernetesClient } from "../../../shared/adapters/kubernetes/client.ts";
import { createCluster } from "../../../shared/adapters/kubernetes/cluster.ts";
import {
  HTTP_ROUTES,
  type KubernetesObject,
  objectPath,
} from "../../../shared/adapters/kubernetes/objects.ts";
import { TRAFFIC_ANNOTATION } from "../../../shared/adapters/kubernetes/route.ts";
import { createTraffic } from "../../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { EMPTY_TRAFFIC } from "../../../shared/domain/traffic.ts";
import { applyMove } from "../../../shared/domain/traffic-moves.ts";
import type { Fault } from "../../support/kubernetes/apiserver-fake.ts";
import { fakeWorld, freshPlacement } from "../../support/kubernetes/world.ts";

const endpoint = "teams/default/endpoints/ranker";
const first = applyMove(endpoint, EMPTY_TRAFFIC, {
  kind: "first",
  to: { "teams/default/models/ranker/versions/1": 100 },
  cause: "c1",
  actor: "ada",
  reason: "é 🚂",
  time: "2026-03-01T10:00:00.000Z",
});

async function served() {
  const { fake, access, close } = await fakeWorld();
  onTestFinished(close);
  const client = createKubernetesClient({ ...access("admin"), timeoutMs: 2_000 });
  const placement = await freshPlacement(client);
  const traffic = createTraffic({ client, placement, drifted: () => undefined });
  await traffic.write(endpoint, first);
  const path = objectPath(HTTP_ROUTES, `${placement.namespacePrefix}default`, "ranker");
  const route = async (): Promise<KubernetesObject> =>
    (await client.get(path)) ?? expect.unreachable("no route");
  /** The route with this change of its metadata, as a server would send it. */
  const answer = async (change: (text: string) => string | Buffer): Promise<Fault> => ({
    http: 200,
    body: change(JSON.stringify(await route())),
  });
  return { fake, client, placement, traffic, path, route, answer };
}

it.each([
  ["9007199254740993", "beyond what a number keeps"],
  ["99999999999999999999", "of twenty digits"],
  ["0x10", "not decimal"],
  ["1e3", "with an exponent"],
  ["", "empty"],
])("a resource version %j, %s, is refused by name and never rounded", async (version) => {
  const { fake, traffic, answer } = await served();
  fake.fail(
    await answer((text) => text.replace(/"resourceVersion":"\d+"/, `"resourceVersion":"${version}"`)),
  );
  const error: unknown = await traffic.read(endpoint).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "FAILED_PRECONDITION", reason: "RESOURCE_VERSION_UNREADABLE" });
  expect(isTransient(error)).toBe(false);
  expect((await traffic.read(endpoint))?.traffic.moves[0]?.reason).toBe("é 🚂");
});

it("bytes that are no UTF-8 are no answer, so that no damaged document is read and written back", async () => {
  const { fake, traffic, answer, route } = await served();
  const before = await route();
  const damaged = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    bytes[bytes.indexOf(Buffer.from("é")) + 1] = 0xff;
    return bytes;
  };
  fake.fail(await answer(damaged));
  const error: unknown = await traffic.read(endpoint).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "UNAVAILABLE", reason: "KUBERNETES_UNAVAILABLE" });
  expect(isTransient(error)).toBe(true);
  expect(await route()).toEqual(before);
});

it("keys of prototypes make no route ours, and change nothing of any object", async () => {
  const { fake, traffic, answer } = await served();
  fake.fail(
    await answer((text) =>
      text.replace(/"labels":\{[^}]*\}/, '"labels":{"__proto__":{"signalbox.dev/team":"default"}}'),
    ),
  );
  await expect(traffic.read(endpoint)).rejects.toMatchObject({ reason: "ROUTE_NOT_OURS" });
  const polluted = '"metadata":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},';
  fake.fail(await answer((text) => text.replace('"metadata":{', polluted)));
  expect(await traffic.read(endpoint)).toMatchObject({ traffic: { epoch: 1 } });
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

it("weights as large as Gateway API takes them are told as they are", async () => {
  const { client, traffic, path } = await served();
  const spec = { rules: [{ backendRefs: [{ name: "theirs", port: 80, weight: 1_000_000 }] }] };
  await client.patch(path, { spec });
  expect(await traffic.read(endpoint)).toMatchObject({ drift: { theirs: 1_000_000 } });
});

it("an annotation as large as all annotations may be is read, and refused when it is no document", async () => {
  const { client, traffic, path, route } = await served();
  const annotations = {
    [TRAFFIC_ANNOTATION]: JSON.stringify({
      epoch: 1,
      moves: [],
      good: [],
      hold: null,
      x: "x".repeat(250_000),
    }),
  };
  await client.patch(path, { metadata: { annotations } });
  const error: unknown = await traffic.read(endpoint).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "INTERNAL", reason: "TRAFFIC_DOCUMENT_CORRUPT" });
  expect(String(error).length).toBeLessThan(2_000);
  expect((await route()).metadata.annotations).toMatchObject(annotations);
});

it("a log that is no UTF-8 is shown as far as it is, and a job whose status is nonsense has not ended", async () => {
  const { fake, client, placement } = await served();
  const namespace = `${placement.namespacePrefix}default`;
  const template = { namespace, rayClusterSpec: {} };
  const cluster = createCluster({ client, clock, template, address: "models" });
  const job = { submissionId: "r-1", entrypoint: "python x.py", runtimeEnvironment: {}, metadata: {} };
  await cluster.submit(job);
  const object = (status: unknown): Fault => ({
    http: 200,
    body: JSON.stringify({
      metadata: { name: "run-r-1", annotations: { "signalbox.dev/submission": "r-1" } },
      spec: {},
      status,
    }),
  });
  fake.fail(object({ jobStatus: "__proto__", jobDeploymentStatus: 2 ** 53 + 2, message: "" }));
  expect(["PENDING", "RUNNING"]).toContain((await cluster.status("r-1")).state);
  const pods = {
    http: 200,
    body: JSON.stringify({ items: [{ metadata: { name: "p" }, status: { phase: "Running" } }] }),
  };
  const log = { http: 200, body: Buffer.from([0x6f, 0x6b, 0xff, 0x0a]), type: "text/plain" };
  fake.fail(object({}), pods, log);
  expect(await cluster.logs("r-1")).toBe("ok\ufffd\n");
});
