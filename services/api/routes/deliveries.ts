// Deliveries of the code host, newest first, with what became of each: also of those that were ignored or refused.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { notFound } from "../../../shared/domain/errors.ts";
import type { Ledger } from "../../../shared/ports/ledger.ts";
import type { Receipts } from "../../../shared/ports/receipts.ts";
import { type PageTokens, pageSize } from "../../../shared/runtime/page-token.ts";
import { errorResponses, nameParams, pageArguments, pageOf, Resource } from "./schemas.ts";

/** Deliveries that can be looked at; older ones stay in the store. */
export const DELIVERIES_LISTED_MAX = 2_000;

/** What the routes read. */
export interface DeliveryPorts {
  readonly receipts: Pick<Receipts, "list">;
  readonly ledger: Pick<Ledger, "read">;
  readonly pageTokens: PageTokens;
}

type Listed = Awaited<ReturnType<Receipts["list"]>>[number];

function resourceOf({
  guid,
  event,
  bodyHash,
  receivedAt,
  outcome,
}: Listed): { name: string } & Record<string, unknown> {
  return {
    name: `deliveries/${guid}`,
    event,
    state: outcome?.outcome.toUpperCase() ?? "PENDING",
    reason: outcome?.reason ?? "",
    bodyHash,
    createTime: receivedAt,
    updateTime: outcome?.time ?? receivedAt,
  };
}

const one = {
  params: nameParams("delivery"),
  response: { 200: Resource, ...errorResponses },
};

const many = {
  querystring: Type.Object(pageArguments, { additionalProperties: false }),
  response: { 200: pageOf("deliveries", Resource), ...errorResponses },
};

/** `GET /v1/deliveries` and `GET /v1/deliveries/{delivery}`. */
export function deliveryRoutes({ receipts, ledger, pageTokens }: DeliveryPorts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get("/v1/deliveries", { config: { role: "viewer" }, schema: many }, async ({ query }) => {
      const after = pageTokens.read("deliveries", query.pageToken);
      const size = pageSize(query.pageSize);
      const all = await receipts.list(DELIVERIES_LISTED_MAX);
      const start = after === undefined ? 0 : all.findIndex(({ guid }) => guid === after) + 1;
      const page = all.slice(start, start + size);
      const last = page.at(-1);
      const nextPageToken =
        last !== undefined && start + size < all.length ? pageTokens.make("deliveries", last.guid) : "";
      return { deliveries: page.map(resourceOf), nextPageToken };
    });
    app.get("/v1/deliveries/:delivery", { config: { role: "viewer" }, schema: one }, async ({ params }) => {
      const name = `deliveries/${params.delivery}`;
      const receipt = (await receipts.list(DELIVERIES_LISTED_MAX)).find(
        ({ guid }) => guid === params.delivery,
      );
      if (receipt === undefined) throw notFound(name, "List /v1/deliveries to see the newest ones.");
      const { facts } = await ledger.read(name);
      return { ...facts[0]?.data, ...resourceOf(receipt) };
    });
  };
}
