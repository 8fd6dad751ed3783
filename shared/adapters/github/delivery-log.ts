// The log of deliveries of the GitHub App's webhook. https://docs.github.com/rest/apps/webhooks
import { Type } from "typebox";
import type { DeliveryLog, LoggedDelivery } from "../../ports/delivery-log.ts";
import type { GithubApp } from "./app.ts";
import { pages } from "./pages.ts";
import { Anything } from "./send.ts";

/** Pages of the log that are read at the most: GitHub keeps three days of it. */
export const DELIVERY_PAGES_MAX = 200;

/** Ids have 64 bits: those that a number cannot hold exactly come as BigInt (https://github.com/octokit/request.js/issues/797). */
const DeliveryId = Type.Union([
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  Type.BigInt({ minimum: 1n }),
]);
const Deliveries = Type.Array(
  Type.Object({
    id: DeliveryId,
    guid: Type.String({ minLength: 1, maxLength: 100 }),
    event: Type.String(),
    delivered_at: Type.String(),
  }),
);

/** Reads the log newest first, and asks for deliveries again, as the App itself. */
export function createGithubDeliveryLog(app: Pick<GithubApp, "asApp">): DeliveryLog {
  return {
    async since(time) {
      const found: LoggedDelivery[] = [];
      const request = { route: "GET /app/hook/deliveries", what: "GitHub's log of deliveries" };
      for await (const part of pages(app.asApp, Deliveries, request, DELIVERY_PAGES_MAX)) {
        const young = part.filter((each) => Date.parse(each.delivered_at) >= time.getTime());
        for (const { id, guid, event, delivered_at: deliveredAt } of young)
          found.push({ id: String(id), guid, event, deliveredAt });
        if (young.length < part.length) break;
      }
      return found;
    },
    async redeliver(id) {
      await app.asApp(Anything, {
        route: "POST /app/hook/deliveries/{delivery_id}/attempts",
        // As it was listed: made a number, the last digits would be others.
        parameters: { delivery_id: id },
        what: `GitHub delivery ${id}`,
      });
    },
  };
}
