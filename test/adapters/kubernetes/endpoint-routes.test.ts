// A backend is prepared only behind a route that is there: whoever moves traffic later may change routes and make none.
import { expect, test } from "vitest";
import { withRoutes } from "../../../shared/adapters/kubernetes/endpoint-routes.ts";
import { EMPTY_TRAFFIC } from "../../../shared/domain/traffic.ts";
import type { Deploys, ReleaseRequest } from "../../../shared/ports/deploys.ts";
import { createMemoryTraffic } from "../../support/memory-traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const request = { endpoint, backend: "ranker-1-00000000" } as ReleaseRequest;

function trial() {
  const traffic = createMemoryTraffic();
  const routes: (number | undefined)[] = [];
  const prepare = async (): Promise<void> => {
    routes.push((await traffic.read(endpoint))?.resourceVersion);
  };
  const refuse = async (): Promise<never> => Promise.reject(new Error("not asked for"));
  const deploys: Deploys = { prepare, status: refuse, retire: refuse, warm: refuse };
  return { traffic, routes, deploys };
}

test("the route is there before the backend is prepared, and is made once", async () => {
  const { traffic, routes, deploys } = trial();
  const routed = withRoutes(deploys, traffic);
  await routed.prepare(request);
  await routed.prepare(request);
  expect(routes).toHaveLength(2);
  expect(routes[0]).toBeGreaterThan(0);
  expect(routes[1]).toBe(routes[0]);
  expect((await traffic.read(endpoint))?.traffic).toEqual(EMPTY_TRAFFIC.traffic);
});

test("whoever makes it at the same time makes the same, and a route that cannot be made stops the backend", async () => {
  const { traffic, routes, deploys } = trial();
  await traffic.write(endpoint, EMPTY_TRAFFIC);
  const late = { read: async () => undefined, write: traffic.write };
  await withRoutes(deploys, late).prepare(request);
  expect(routes).toHaveLength(1);
  const forbidden = {
    read: async () => undefined,
    write: async () => Promise.reject(new Error("forbidden")),
  };
  await expect(withRoutes(deploys, forbidden).prepare(request)).rejects.toThrow("forbidden");
  expect(routes).toHaveLength(1);
});
