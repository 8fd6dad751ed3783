// Probes. They say that this process answers, and nothing about what it depends on: an outage elsewhere must not restart it.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";

const schema = { response: { 200: Type.Object({ status: Type.Literal("ok") }) } };

/** `GET /healthz` (liveness) and `GET /startupz` (startup). */
export function healthRoutes(): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const url of ["/healthz", "/startupz"]) {
      app.get(url, { config: { role: "public", lane: "unbounded" }, schema }, async () => ({
        status: "ok" as const,
      }));
    }
  };
}
