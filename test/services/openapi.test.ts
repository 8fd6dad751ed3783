// The description of the API: held to the rules of OpenAPI 3.1 and to the routes that there are.
import { expect, test } from "vitest";
import { operationName } from "../../services/api/openapi/operation-name.ts";
import { pathTemplate } from "../../services/api/openapi/path-template.ts";
import { as } from "./door.ts";
import { wholeApi } from "./whole-api.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
  readonly responses: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
interface Document {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> };
}

const OPERATIONS_MIN = 50;
const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);

async function readDocument() {
  const door = await wholeApi();
  const response = await door.app.inject({ url: "/v1/openapi.json", headers: as("viewer") });
  expect([response.statusCode, response.headers["content-type"]]).toEqual([
    200,
    "application/json; charset=utf-8",
  ]);
  const document = response.json<Document>();
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  expect(operations.length).toBeGreaterThan(OPERATIONS_MIN);
  return { ...door, document, operations };
}

/** Every `$ref` below a value. */
function refsIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => (key === "$ref" ? [String(below)] : refsIn(below)));
}

/** Every key that is a schema's own, at any depth. */
function keysIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [key, ...keysIn(below)]);
}

test("every path parameter is declared once and required, and nothing of the router's spelling is left", async () => {
  const { operations } = await readDocument();
  for (const { path, method, operation } of operations) {
    expect(path).toMatch(/^(?:\/(?:[\w.-]+|\{\w+\}))+(?::\w+)?$/);
    expect(METHODS).toContain(method);
    const templated = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(new Set(templated).size, path).toBe(templated.length);
    const parameters = operation.parameters ?? [];
    const declared = parameters.filter((parameter) => parameter.in === "path");
    expect(declared.map(({ name }) => name).sort(), path).toEqual(templated.toSorted());
    expect(declared.every(({ required }) => required)).toBe(true);
    const keys = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(new Set(keys).size, path).toBe(keys.length);
    for (const { schema } of parameters) {
      if (typeof schema["pattern"] === "string")
        expect(() => new RegExp(String(schema["pattern"]), "u")).not.toThrow();
    }
  }
});

test("no two paths differ only in the names of their parameters", async () => {
  const { document } = await readDocument();
  const shapes = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, "{}"));
  expect(new Set(shapes).size).toBe(shapes.length);
});

test("every operation has a name of its own, words for people, and a tag that the document lists", async () => {
  const { document, operations } = await readDocument();
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  expect(ids.filter((id) => !/^[a-z][A-Za-z0-9]+$/.test(id))).toEqual([]);
  const tags = new Set(document.tags.map(({ name }) => name));
  for (const { operation } of operations) {
    expect(operation.summary).toMatch(/^[A-Z].{3,}/);
    expect(tags).toContain(operation.tags[0]);
  }
});

test("every answer is described, every refusal has the one error schema, and every reference leads somewhere", async () => {
  const { document, operations } = await readDocument();
  for (const { path, operation } of operations) {
    const statuses = Object.keys(operation.responses);
    expect(statuses.filter((status) => !/^(?:[1-5]\d\d|[1-5]XX|default)$/.test(status))).toEqual([]);
    expect(statuses, path).toEqual(expect.arrayContaining(["4XX", "5XX"]));
    expect(statuses.some((status) => status.startsWith("2"))).toBe(true);
    for (const response of Object.values(operation.responses)) {
      expect("$ref" in response || typeof response["description"] === "string").toBe(true);
    }
  }
  const refs = new Set(refsIn(document));
  expect(refs.size).toBeGreaterThan(1);
  for (const ref of refs) {
    const parts = ref.replace(/^#\//, "").split("/");
    const found = parts.reduce<unknown>(
      (value, part) => (value as Readonly<Record<string, unknown>> | undefined)?.[part],
      document,
    );
    expect(found, ref).toBeTypeOf("object");
  }
});

test("the document says what it is and holds only JSON Schema", async () => {
  const { document, operations } = await readDocument();
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({ title: "Signalbox", version: "1" });
  expect(document.components.securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } });
  const schemas = operations.map(({ operation }) => [operation.parameters, operation.requestBody]);
  expect(keysIn(schemas).filter((key) => key.startsWith("~"))).toEqual([]);
  for (const { operation } of operations) {
    for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
      expect(schema).toBeDefined();
  }
});

test("the document lists exactly the routes that there are, each with the role that it asks for", async () => {
  const { seen, operations } = await readDocument();
  const expected = seen
    .filter(({ method }) => method !== "HEAD")
    .map(({ method, url, role = "" }) => {
      const needs = role === "public" ? "Anyone may call this." : `Needs the role ${role}.`;
      return `${method.toLowerCase()} ${pathTemplate(url).path} ${needs}`;
    });
  const described = operations.map(
    ({ path, method, operation }) => `${method} ${path} ${operation.description}`,
  );
  expect(described.toSorted()).toEqual(expected.toSorted());
  for (const { operation } of operations) {
    const open = operation.description.startsWith("Anyone");
    expect(operation.security).toEqual(open ? [] : [{ bearer: [] }]);
  }
});

test("custom methods, query arguments, bodies and other media types are as the routes take them", async () => {
  const { document } = await readDocument();
  const rollback = document.paths["/v1/teams/{team}/endpoints/{endpoint}:rollback"]?.["post"];
  expect(rollback).toMatchObject({
    operationId: "rollbackTeamEndpoint",
    description: "Needs the role engineer.",
  });
  expect(rollback?.requestBody?.content).toHaveProperty(["application/json", "schema", "type"], "object");
  const facts = document.paths["/v1/facts"]?.["get"]?.parameters;
  expect(facts).toContainEqual(expect.objectContaining({ name: "pageSize", in: "query", required: false }));
  const events = document.paths["/v1/events"]?.["post"]?.requestBody?.content ?? {};
  expect(Object.keys(events)).toEqual(["application/cloudevents+json", "application/json"]);
  const logs = document.paths["/v1/builds/{build}/logs"]?.["get"]?.responses["200"];
  expect(logs).toHaveProperty(["content", "text/plain"]);
});

test("a custom method is a path of its own: asked with GET it names POST, and does not look for a resource", async () => {
  const { app } = await wholeApi();
  for (const url of ["/v1/stacks/web:unblock", "/v1/teams/default/endpoints/ranker:rollback"]) {
    const response = await app.inject({ url, headers: as("viewer") });
    expect([response.statusCode, response.headers["allow"]], url).toEqual([405, "POST"]);
  }
});

test("a collection that has only a custom method of its own does not take POST", async () => {
  const { app } = await wholeApi();
  const url = "/v1/notifications";
  const posted = await app.inject({ method: "POST", url, headers: as("operator"), payload: {} });
  expect([posted.statusCode, posted.headers["allow"]]).toEqual([405, "GET, HEAD"]);
});

test("the schema of .signalbox.yaml is described as the object that it is", async () => {
  const { app, document } = await readDocument();
  const url = "/schemas/signalbox-yaml.schema.json";
  expect(document.paths[url]?.["get"]?.responses["200"]).toMatchObject({
    content: { "application/schema+json": { schema: { type: "object" } } },
  });
  expect((await app.inject(url)).json()).toMatchObject({ type: "object" });
});

test("patterns hold only what every dialect of regular expressions understands", async () => {
  const { document } = await readDocument();
  expect(JSON.stringify(document)).not.toMatch(/\\\\[pPkAZz]|\(\?[<i]/);
});

test("ids in a path are described by the rule that checks them, and refused in words", async () => {
  const { app, document } = await readDocument();
  const patternOf = (path: string) => document.paths[path]?.["get"]?.parameters?.[0]?.schema["pattern"];
  expect(patternOf("/v1/stacks/{stack}")).toBe("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$");
  expect(patternOf("/v1/stacks/{stack}/plans")).toBe("^-$|^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$");
  const refused = await app.inject({ url: "/v1/stacks/Web/plans", headers: as("viewer") });
  expect(refused.json().error.details[0].reason).toBe("INVALID_NAME");
  expect(refused.json().error.message).toBe(
    "stack in the path is not an allowed id: use 1 to 63 lower-case letters, digits and dashes, or `-` for all.",
  );
});

test("events are described by the schemas by which the door checks them", async () => {
  const { document } = await readDocument();
  const content = document.paths["/v1/events"]?.["post"]?.requestBody?.content;
  const event = content?.["application/cloudevents+json"]?.schema as {
    anyOf: { properties: { type: { const: string }; data: { required: string[] } } }[];
  };
  expect(event.anyOf.map(({ properties: { type, data } }) => [type.const, data.required])).toEqual([
    ["dev.signalbox.model-version.registered.v1", ["model", "artifact"]],
    ["dev.signalbox.run.requested.v1", ["entrypoint", "outputUri"]],
  ]);
});

test("a router's path becomes a template and keeps the pattern of its parameters", () => {
  expect(pathTemplate("/v1/stacks/:stack/plans/:plan(^[a-z0-9-]+)::approve")).toEqual({
    path: "/v1/stacks/{stack}/plans/{plan}:approve",
    parameters: [{ name: "stack" }, { name: "plan", pattern: "^(?:[a-z0-9-]+)$" }],
  });
  expect(pathTemplate("/v1/facts::stream")).toEqual({ path: "/v1/facts:stream", parameters: [] });
});

test("operations are named after what they do", () => {
  const idOf = (method: string, path: string) => operationName(method, path).operationId;
  expect(idOf("get", "/v1/stacks/{stack}")).toBe("getStack");
  expect(idOf("get", "/v1/teams/{team}/models/{model}/versions")).toBe("listTeamModelVersions");
  expect(idOf("post", "/v1/teams/{team}/models/{model}/versions")).toBe("createTeamModelVersions");
  expect(idOf("get", "/v1/teams/{team}/models/{model}:queryLineage")).toBe("queryLineageTeamModel");
  expect(idOf("get", "/healthz")).toBe("healthz");
});
