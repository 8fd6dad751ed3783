// GET one and list, the same for every kind of resource that a view keeps.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { invalidArgument, notFound } from "../../shared/domain/errors.ts";
import {
  formatName,
  NAME_PATTERNS,
  type NameIds,
  type NameKind,
  WILDCARD,
} from "../../shared/domain/names.ts";
import type { ViewDocument, Views } from "../../shared/ports/views.ts";
import { type PageTokens, pageSize } from "../../shared/runtime/page-token.ts";
import { errorResponses, listParams, nameParams, pageArguments, pageOf, Resource } from "./routes/schemas.ts";

/** A kind of resource and where its documents are. */
export interface ReadKind {
  readonly kind: NameKind;
  /** The collection of the views. */
  readonly collection: string;
  /** The last word of its list's path, and the key of the list's entries. */
  readonly plural: string;
}

/** What reading needs. */
export interface ReadPorts {
  readonly views: Pick<Views, "get" | "list">;
  readonly pageTokens: PageTokens;
}

type Params = Readonly<Record<string, string>>;

const urlOf = (kind: NameKind): string => `/v1/${NAME_PATTERNS[kind].replaceAll(/\{(\w+)\}/g, ":$1")}`;

/** Path of one resource of this kind. A colon in its last id would be a custom method, which is another path. */
export const resourceUrl = (kind: NameKind): string => `${urlOf(kind)}(^[^:/]+)`;

/** Path of the list of a kind. */
export const listUrl = (kind: NameKind): string => urlOf(kind).split("/").slice(0, -1).join("/");

/** Path of a custom method of one resource of this kind. */
export const methodUrl = (kind: NameKind, verb: string): string => `${resourceUrl(kind)}::${verb}`;

/** The beginning that all names of the list share. */
function prefixOf(kind: NameKind, params: Params): string {
  let prefix = "";
  let open = false;
  for (const part of NAME_PATTERNS[kind].split("/").slice(0, -1)) {
    const key = part.startsWith("{") ? part.slice(1, -1) : undefined;
    const value = key === undefined ? part : (params[key] ?? "");
    if (key !== undefined && value === WILDCARD) open = true;
    else if (key !== undefined && open) {
      throw invalidArgument(
        key,
        `${key} comes after a \`-\` in the path: write \`-\` for it too, or name what stands before it.`,
        "WILDCARD_BEFORE_NAME",
      );
    } else if (!open) prefix += `${value}/`;
  }
  return prefix;
}

/** One document by name, or NOT_FOUND that says where to look. */
export async function readResource(
  { views }: ReadPorts,
  { kind, collection }: ReadKind,
  params: Params,
): Promise<ViewDocument> {
  const name = formatName(kind, params as NameIds<typeof kind>);
  const document = await views.get(collection, name);
  if (document === undefined) throw notFound(name, `List ${listUrl(kind)} to see which exist.`);
  return document;
}

async function listResources(
  { views, pageTokens }: ReadPorts,
  { kind, collection, plural }: ReadKind,
  params: Params,
  query: { readonly pageSize?: number; readonly pageToken?: string },
): Promise<Record<string, unknown>> {
  const prefix = prefixOf(kind, params);
  const question = [collection, prefix];
  const after = pageTokens.read(question, query.pageToken);
  const size = pageSize(query.pageSize);
  const found = await views.list({
    collection,
    prefix,
    limit: size + 1,
    ...(after === undefined ? {} : { after }),
  });
  const page = found.slice(0, size);
  const last = page.at(-1);
  const nextPageToken = found.length > size && last !== undefined ? pageTokens.make(question, last.key) : "";
  return { [plural]: page.map(({ document }) => document), nextPageToken };
}

/** Routes that read these kinds: GET of one, and lists in which `-` stands for every parent. */
export function resourceReads(ports: ReadPorts, kinds: readonly ReadKind[]): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const each of kinds) {
      const one = { params: nameParams(each.kind), response: { 200: Resource, ...errorResponses } };
      app.get(
        resourceUrl(each.kind),
        { config: { role: "viewer" }, schema: one },
        async (request) => readResource(ports, each, request.params as Params) as Promise<{ name: string }>,
      );
      const many = {
        params: listParams(each.kind),
        querystring: Type.Object(pageArguments, { additionalProperties: false }),
        response: { 200: pageOf(each.plural, Resource), ...errorResponses },
      };
      app.get(
        listUrl(each.kind),
        { config: { role: "viewer" }, schema: many },
        async (request) =>
          listResources(ports, each, request.params, request.query) as Promise<{
            nextPageToken: string;
          }>,
      );
    }
  };
}
