// Every role on every route of the API, from the table of routes as it was registered.
import { expect, test } from "vitest";
import { PERSON_ROLES, type Role, roleAllows } from "../../shared/domain/role.ts";
import { as } from "./door.ts";
import { pathOf, wholeApi } from "./whole-api.ts";

const ROLES: readonly Role[] = [...PERSON_ROLES, "workflow"];
const OPEN_ROUTES: ReadonlySet<string> = new Set([
  "/healthz",
  "/livez",
  "/startupz",
  "/schemas/signalbox-yaml.schema.json",
]);

/** Routes that exist before anyone has registered theirs: fewer means that the table was not read. */
const ROUTES_MIN = 60;

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
      const request = { method: method as "GET", url: pathOf(route), headers, ...payload };
      // As a stream, because one of the answers has no end.
      const response = await app.inject({ ...request, payloadAsStream: true });
      response.stream().destroy();
      return response.statusCode;
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
  // A GET on a callback is what its workflow waits for: it changes something.
  const isReading = ({ method, url }: { method: string; url: string }) =>
    method === "GET" && !url.endsWith("/callbacks/:callback");
  expect(
    seen.filter((route) => isReading(route) && route.role !== "viewer" && route.role !== "public"),
  ).toEqual([]);
  // What an event needs depends on its type; waiting only reads.
  const waiting = "/v1/teams/:team/endpoints/:endpoint/operations/:operation(^[^:/]+)::wait";
  expect(of("POST", "viewer").sort()).toEqual(["/v1/events", "/v1/sessions", waiting]);
  expect(
    of("POST", "workflow")
      .map((url) => url.split("::").at(-1))
      .sort(),
  ).toEqual(["claim", "claim", "finish", "finish", "look", "poll", "step", "submit"]);
});
