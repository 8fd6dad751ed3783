// Every role on every route of the API, from the table of routes as it was registered.
import { expect, onTestFinished, test } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { PERSON_ROLES, type Role, roleAllows } from "../../shared/domain/role.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { createWorld } from "../support/world.ts";
import { apiDoor, type SeenRoute } from "./api-door.ts";
import { as } from "./door.ts";

const ROLES: readonly Role[] = [...PERSON_ROLES, "workflow"];
const OPEN_ROUTES: ReadonlySet<string> = new Set(["/healthz", "/startupz"]);

/** Routes that exist before anyone has registered theirs: fewer means that the table was not read. */
const ROUTES_MIN = 60;

/** The API with the routes of every resource, over stores that hold nothing. */
async function wholeApi() {
  const world = createWorld({});
  onTestFinished(() => world.close());
  const ports = {
    ...world,
    traffic: {
      read: async () => undefined,
      write: async () => ({ kind: "conflict" as const }),
      list: async () => [],
    },
    deploys: { status: async () => ({ state: "unknown" as const, message: "", since: "" }) },
    metrics: { samples: async () => [] },
    cluster: createCluster({ address: undefined }),
    artifacts: { digest: async () => `sha256:${"0".repeat(64)}`, path: async () => "/nowhere" },
  };
  return apiDoor({ routes: [endpointRoutes(ports), rolloutRoutes(ports), runRoutes(ports)] });
}

const pathOf = ({ url }: SeenRoute): string =>
  url
    .replaceAll("::", "@")
    .replaceAll(/:\w+(\([^)]*\))?/g, "known")
    .replaceAll("@", ":");

test("every route names its role and asks for it: nobody and lesser roles are refused, the role itself is let in", async () => {
  const { app, seen } = await wholeApi();
  expect(seen.length).toBeGreaterThan(ROUTES_MIN);
  const wrong: string[] = [];
  for (const route of seen) {
    const { method, role } = route;
    if (role === "public") {
      expect(OPEN_ROUTES, route.url).toContain(route.url);
      continue;
    }
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const payload = method === "POST" ? { payload: {} } : {};
      return (await app.inject({ method: method as "GET", url: pathOf(route), headers, ...payload }))
        .statusCode;
    };
    const expectations: [string, Record<string, string>, readonly number[]][] = [["nobody", {}, [401]]];
    for (const each of ROLES) {
      const allowed = roleAllows(each, role as Role);
      expectations.push([each, as(each), allowed ? [200, 202, 204, 400, 404] : [403]]);
    }
    for (const [who, headers, right] of expectations) {
      const status = await ask(headers);
      if (!right.includes(status))
        wrong.push(`${method} ${pathOf(route)} (${role ?? "no role"}) answered ${who} ${status}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("reading needs a viewer, changing more, and only workflows may call what sequences rollouts and runs", async () => {
  const { seen } = await wholeApi();
  const of = (method: string, role: string) =>
    seen.filter((route) => route.method === method && route.role === role).map(({ url }) => url);
  expect(
    seen.filter(({ method, role }) => method === "GET" && role !== "viewer" && role !== "public"),
  ).toEqual([]);
  expect(of("POST", "viewer").sort()).toEqual(["/v1/events", "/v1/sessions"]);
  expect(
    of("POST", "workflow")
      .map((url) => url.split("::").at(-1))
      .sort(),
  ).toEqual(["claim", "claim", "finish", "finish", "look", "poll", "step", "submit"]);
});
