// One route as one OpenAPI operation. The schemas are those that validate: nothing is said twice.
import { ErrorResponse } from "../routes/schemas.ts";
import { operationName } from "./operation-name.ts";
import { type PathTemplate, pathTemplate } from "./path-template.ts";

/** A JSON value of the document. */
export type Json = Readonly<Record<string, unknown>>;

/** A route as it was registered. */
export interface DocumentedRoute {
  readonly method: string;
  readonly url: string;
  readonly role: string;
  /** Schemas of its body by media type; default: JSON of its own schema. */
  readonly bodies: Readonly<Record<string, unknown>> | undefined;
  /** Media type of its answer; default: JSON. */
  readonly produces: string;
  readonly schema: {
    readonly params?: unknown;
    readonly querystring?: unknown;
    readonly body?: unknown;
    readonly response?: unknown;
  };
}

/** Where the one schema of errors is. */
export const ERROR_SCHEMA_REF = "#/components/schemas/Error";
/** Where the one answer of every refusal is. */
export const REFUSAL_REF = "#/components/responses/Refusal";
/** Name of the bearer scheme. */
export const BEARER = "bearer";

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

function parametersOf(
  template: PathTemplate,
  { params, querystring }: DocumentedRoute["schema"],
): readonly Json[] {
  const known = (params as ObjectSchema | undefined)?.properties ?? {};
  const inPath = template.parameters.map(({ name, pattern }) => {
    const schema = known[name] ?? { type: "string" };
    // The pattern of the schema says more than the router's, which only tells paths apart.
    const narrowed = pattern === undefined || "pattern" in schema ? schema : { ...schema, pattern };
    return { name, in: "path", required: true, schema: narrowed };
  });
  const query = querystring as ObjectSchema | undefined;
  const inQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: query?.required?.includes(name) === true,
    schema,
  }));
  return [...inPath, ...inQuery];
}

const DESCRIPTIONS: Readonly<Record<string, string>> = { "200": "Done.", "202": "Taken.", "204": "Done." };

function responsesOf({ schema, produces }: DocumentedRoute): Json {
  const declared = Object.entries((schema.response ?? {}) as Readonly<Record<string, unknown>>).filter(
    ([, body]) => body !== ErrorResponse,
  );
  const answers = declared.length === 0 ? [["200", { type: "string" }] as const] : declared;
  return Object.fromEntries([
    ...answers.map(([status, body]) => [
      status.toUpperCase(),
      { description: DESCRIPTIONS[status] ?? "Answer.", content: { [produces]: { schema: body } } },
    ]),
    ["4XX", { $ref: REFUSAL_REF }],
    ["5XX", { $ref: REFUSAL_REF }],
  ]);
}

/** Path, method and operation of a route. */
export function operationOf(route: DocumentedRoute): {
  readonly path: string;
  readonly method: string;
  readonly operation: Json;
} {
  const { role, schema } = route;
  const method = route.method.toLowerCase();
  const template = pathTemplate(route.url);
  const { tag, ...name } = operationName(method, template.path);
  const parameters = parametersOf(template, schema);
  const bodies = route.bodies ?? { "application/json": schema.body };
  const content = Object.fromEntries(Object.entries(bodies).map(([type, body]) => [type, { schema: body }]));
  const operation = {
    ...name,
    description: role === "public" ? "Anyone may call this." : `Needs the role ${role}.`,
    tags: [tag],
    security: role === "public" ? [] : [{ [BEARER]: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(schema.body === undefined ? {} : { requestBody: { required: true, content } }),
    responses: responsesOf(route),
  };
  return { path: template.path, method, operation };
}
