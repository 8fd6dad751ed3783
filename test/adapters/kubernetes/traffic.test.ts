import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectionPath, HTTP_ROUTES, objectPath } from "../../../shared/adapters/kubernetes/objects.ts";
import type { HttpRoute, RouteRule } from "../../../shared/adapters/kubernetes/route.ts";
import { TRAFFIC_ANNOTATION } from "../../../shared/adapters/kubernetes/route.ts";
import { createTraffic, type Drift } from "../../../shared/adapters/kubernetes/traffic.ts";
import { backendName } from "../../../shared/domain/backend.ts";
import { EMPTY_TRAFFIC, type TrafficDocument, type Weights } from "../../../shared/domain/traffic.ts";
import { applyMove, type MoveRequest } from "../../../shared/domain/traffic-moves.ts";
import { markCold, markGood } from "../../../shared/domain/traffic-standing.ts";
import type { Traffic } from "../../../shared/ports/traffic.ts";
import { rollback } from "../../../shared/runtime/rollback.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { trafficContract } from "../../contracts/traffic.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import {
  fakeWorld,
  freshPlacement,
  type KubernetesWorld,
  realWorld,
} from "../../support/kubernetes/world.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;
const backend = (id: number) => backendName(endpoint, version(id));
const time = "2026-03-01T10:00:00.000Z";

function move(document: TrafficDocument, kind: MoveRequest["kind"], to: Weights): TrafficDocument {
  const cause = `cause-${document.traffic.epoch + 1}`;
  return applyMove(endpoint, document, { kind, to, cause, actor: "ada", reason: "because", time });
}

const first = move(EMPTY_TRAFFIC, "first", { [version(1)]: 100 });

/** What holds on any server. */
function behavesLikeTraffic(name: string, start: () => Promise<KubernetesWorld>): void {
  let world: KubernetesWorld;
  beforeAll(async () => {
    world = await start();
  }, KUBERNETES_START_MS);
  afterAll(() => world?.close());

  async function trial() {
    const client = world.client();
    const placement = await freshPlacement(client);
    const drifts: Drift[] = [];
    const traffic = createTraffic({ client, placement, drifted: (drift) => drifts.push(drift) });
    const path = objectPath(HTTP_ROUTES, `${placement.namespacePrefix}default`, "ranker");
    const route = async (): Promise<HttpRoute> => {
      const found = await client.get<HttpRoute>(path);
      if (found === undefined) throw new Error("there is no route");
      return found;
    };
    return { client, placement, drifts, traffic, path, route };
  }

  async function written(traffic: Traffic, document: TrafficDocument): Promise<TrafficDocument> {
    const result = await traffic.write(endpoint, document);
    if (result.kind !== "written") throw new Error("the document was not written");
    return result.document;
  }

  trafficContract(name, async () => (await trial()).traffic);

  describe(`a route of an endpoint on ${name}`, () => {
    it("changes weights and annotation in one write, and keeps the warm version ready at weight 0", async () => {
      const { traffic, route } = await trial();
      const one = await written(traffic, markGood(endpoint, first, version(1), time));
      const two = await written(traffic, move(one, "advance", { [version(2)]: 100 }));
      const { metadata, spec } = await route();
      expect(JSON.parse(metadata.annotations?.[TRAFFIC_ANNOTATION] ?? "")).toEqual(two.traffic);
      expect(spec?.rules).toHaveLength(2);
      for (const rule of spec?.rules ?? []) {
        const refs = rule.backendRefs?.map(({ name, weight }) => [name, weight]);
        expect(refs).toEqual([
          [backend(2), 100],
          [backend(1), 0],
        ]);
      }
      const cold = await written(traffic, markCold(two, version(1), time));
      expect((await route()).spec?.rules?.[0]?.backendRefs?.map(({ name }) => name)).toEqual([backend(2)]);
      expect(await traffic.read(endpoint)).toEqual(cold);
    });

    it("gives a write that changes nothing a version of its own", async () => {
      const { traffic } = await trial();
      const one = await written(traffic, first);
      const two = await written(traffic, one);
      expect(two.resourceVersion).toBeGreaterThan(one.resourceVersion);
      expect(await traffic.write(endpoint, one)).toEqual({ kind: "conflict" });
    });

    it("tells of weights that somebody else changed, and writes over them with the next move", async () => {
      const { client, traffic, path, route, drifts } = await trial();
      await written(traffic, first);
      const rules = (await route()).spec?.rules?.map((rule) => ({
        ...rule,
        backendRefs: [{ name: "theirs", port: 80, weight: 7 }],
      }));
      await client.patch(path, { spec: { rules } });
      const read = await traffic.read(endpoint);
      expect(read?.weights).toEqual({ [backend(1)]: 100 });
      expect(read?.drift).toEqual({ theirs: 7 });
      expect(drifts).toEqual([{ endpoint, expected: { [backend(1)]: 100 }, found: { theirs: 7 } }]);
      await written(traffic, move(read ?? EMPTY_TRAFFIC, "advance", { [version(2)]: 100 }));
      await traffic.read(endpoint);
      expect(drifts).toHaveLength(1);
    });

    it.each<readonly [string, (rules: readonly RouteRule[]) => readonly object[], Weights]>([
      [
        "in one of its paths",
        ([one, two]) => [one!, { ...two, backendRefs: [{ name: "theirs", port: 80, weight: 1 }] }],
        { [backend(1)]: 100, theirs: 1 },
      ],
      [
        "by a rule before it for a header",
        ([one, two]) => [
          {
            matches: [{ ...one?.matches?.[0], headers: [{ name: "who", value: "me" }] }],
            backendRefs: [{ name: "theirs", port: 80 }],
          },
          one!,
          two!,
        ],
        { [backend(1)]: 100, theirs: 1 },
      ],
      [
        "by a backend of the same name elsewhere",
        (rules) =>
          rules.map((rule) => ({
            ...rule,
            backendRefs: [{ ...rule.backendRefs?.[0], namespace: "theirs" }],
          })),
        { [`theirs/${backend(1)}`]: 100 },
      ],
      [
        "by another path",
        ([one]) => [{ ...one, matches: [{ path: { value: "/theirs" } }] }],
        { [backend(1)]: 100 },
      ],
      ["by no backend at all", (rules) => rules.map((rule) => ({ ...rule, backendRefs: [] })), {}],
    ])("tells of a change %s", async (_, change, drift) => {
      const { client, traffic, path, route, drifts } = await trial();
      const one = await written(traffic, first);
      expect((await traffic.read(endpoint))?.drift).toBeUndefined();
      await client.patch(path, { spec: { rules: change((await route()).spec?.rules ?? []) } });
      const read = await traffic.read(endpoint);
      expect(read).toMatchObject({ weights: one.weights, drift });
      expect(drifts).toEqual([{ endpoint, expected: one.weights, found: drift }]);
      if (read !== undefined) await written(traffic, read);
      expect((await traffic.read(endpoint))?.drift).toBeUndefined();
    });

    it("is put right by a rollback from a version that serves by somebody's hand alone", async () => {
      const { client, traffic, path, route } = await trial();
      const one = await written(traffic, markGood(endpoint, first, version(1), time));
      const two = await written(traffic, move(one, "advance", { [version(2)]: 100 }));
      await written(traffic, move(two, "rollback", { [version(1)]: 100 }));
      const theirs = (await route()).spec?.rules?.map((rule) => ({
        ...rule,
        backendRefs: [{ name: backend(2), port: 8080, weight: 1 }],
      }));
      await client.patch(path, { spec: { rules: theirs } });
      const deploys = { status: async () => ({ state: "ready", message: "", since: "" }) as const };
      const backwards = { endpoint, from: version(2), actor: "grace", reason: "errors" };
      expect(await rollback({ traffic, clock, deploys }, backwards)).toMatchObject({
        to: version(1),
        epoch: 3,
        alreadyMoved: true,
        drifted: true,
      });
      for (const rule of (await route()).spec?.rules ?? [])
        expect(rule.backendRefs?.map(({ name, weight }) => [name, weight])).toEqual([[backend(1), 100]]);
      expect((await traffic.read(endpoint))?.drift).toBeUndefined();
    });

    it("is refused when Signalbox did not make it, and is neither listed nor overwritten", async () => {
      const { client, placement, traffic, route } = await trial();
      const namespace = `${placement.namespacePrefix}default`;
      const theirs: HttpRoute = {
        apiVersion: HTTP_ROUTES.apiVersion,
        kind: "HTTPRoute",
        metadata: { name: "ranker", namespace },
        spec: { rules: [{ backendRefs: [{ name: "theirs", port: 80 }] }] },
      };
      await client.create(collectionPath(HTTP_ROUTES, namespace), theirs);
      await expect(traffic.read(endpoint)).rejects.toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "ROUTE_NOT_OURS",
      });
      expect(await traffic.write(endpoint, first)).toEqual({ kind: "conflict" });
      expect(await traffic.list()).toEqual([]);
      expect((await route()).spec?.rules?.[0]?.backendRefs?.[0]?.name).toBe("theirs");
    });

    it.each([
      ["is missing", null],
      ["is not JSON", "{half"],
      [
        "has a key of another's prototype",
        '{"__proto__": {}, "epoch": 0, "moves": [], "good": [], "hold": null}',
      ],
      ["has no moves", '{"epoch": 3, "moves": [], "good": [], "hold": null}'],
      ["is another kind of thing", '"moves"'],
    ])("whose annotation %s is named in an error and never overwritten", async (_, text) => {
      const { client, traffic, path } = await trial();
      await written(traffic, first);
      await client.patch(path, { metadata: { annotations: { [TRAFFIC_ANNOTATION]: text } } });
      const corrupt = { code: "INTERNAL", reason: "TRAFFIC_DOCUMENT_CORRUPT" };
      await expect(traffic.read(endpoint)).rejects.toMatchObject(corrupt);
      expect(await traffic.write(endpoint, first)).toEqual({ kind: "conflict" });
    });

    it("takes no document that is too large for an annotation, breaks a rule or splits over too many", async () => {
      const { traffic } = await trial();
      const one = await written(traffic, first);
      const many = Object.fromEntries(Array.from({ length: 20 }, (_, id) => [version(id + 1), 5]));
      const large = {
        ...one,
        traffic: { ...one.traffic, moves: [{ ...first.traffic.moves[0]!, reason: "é".repeat(100_000) }] },
      };
      const cases: readonly (readonly [TrafficDocument, string])[] = [
        [large, "TRAFFIC_DOCUMENT_TOO_LARGE"],
        [{ ...one, traffic: { ...one.traffic, epoch: 4 } }, "INVALID_TRAFFIC_DOCUMENT"],
        [move(one, "advance", many), "TOO_MANY_BACKENDS"],
      ];
      for (const [document, reason] of cases)
        await expect(traffic.write(endpoint, document)).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          reason,
        });
      expect(await traffic.read(endpoint)).toEqual(one);
    });

    it("needs the team's namespace, and says so", async () => {
      const { traffic } = await trial();
      const elsewhere = "teams/nobody/endpoints/ranker";
      expect(await traffic.read(elsewhere)).toBeUndefined();
      await expect(
        traffic.write(elsewhere, { ...first, traffic: EMPTY_TRAFFIC.traffic, weights: {} }),
      ).rejects.toMatchObject({
        code: "NOT_FOUND",
        message: expect.stringContaining("nobody") as string,
      });
    });

    it("is asked for by no name that could be read as a path", async () => {
      const { traffic } = await trial();
      await expect(traffic.read("teams/../endpoints/x")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await expect(traffic.read(`teams/${"x".repeat(63)}/endpoints/x`)).rejects.toMatchObject({
        reason: "INVALID_NAMESPACE",
      });
    });
  });
}

describe("on the fake", () => behavesLikeTraffic("a fake API server", fakeWorld));
describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}on the real server`, () =>
  behavesLikeTraffic("a real API server", realWorld),
);
