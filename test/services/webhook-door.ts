// A webhook behind its door, with real SQLite behind it; for tests.
import { onTestFinished } from "vitest";
import type { Secret } from "../../shared/ports/secrets.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createWebhook } from "../../services/webhook/webhook.ts";
import { createWorld } from "../support/world.ts";
import { deliveryHeaders, SECRET } from "./github-delivery.ts";

/** Path of the webhook. */
export const URL = "/webhooks/github";

/** A webhook with this secret; `broken` replaces ports by ones that fail. Everything ends with the test. */
export async function door(
  secret: Secret = SECRET,
  broken: (world: ReturnType<typeof createWorld>) => object = () => ({}),
) {
  const world = createWorld({});
  const app = createServer({ clock: world.clock, log: world.log });
  const webhook = createWebhook({ ...world, ...broken(world), secrets: { get: async () => secret } });
  await app.register(webhook.routes);
  onTestFinished(async () => {
    await app.close();
    await webhook.sweep();
    await world.close();
  });
  const send = (event: string, body: unknown, headers: Record<string, string | string[]> = {}) => {
    const payload = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return app.inject({
      method: "POST",
      url: URL,
      payload,
      headers: { ...deliveryHeaders(event, payload), ...headers },
    });
  };
  const facts = async () => (await world.ledger.list({ limit: 100, order: "oldest-first" })).facts;
  return { world, app, webhook, send, facts };
}
