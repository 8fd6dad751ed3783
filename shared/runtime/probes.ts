// Probes. They say that this process runs, and nothing about what it depends on: an outage elsewhere must neither keep an
// instance from starting nor have it killed.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";

/** How late the event loop may be before the process is taken for stuck; the prober asks several times before it kills. */
export const LOOP_LATE_MAX_MS = 2_000;

/** `/startupz`: it listens, so its configuration was read. `/livez`: its event loop turns; `/healthz` is the same to people. */
export const PROBE_PATHS = ["/startupz", "/livez", "/healthz"] as const;

/** Path of a probe. */
export type ProbePath = (typeof PROBE_PATHS)[number];

/** What a probe is answered. */
export interface ProbeAnswer {
  readonly status: 200 | 503;
  readonly body: { readonly status: "ok" | "stuck" };
}

/**
 * How late the next turn of the event loop comes, in milliseconds. Measured while a request waits for it: on Cloud Run an instance
 * has no processor between requests, and a histogram of all that time would call every idle one stuck.
 */
export function loopLateness(): Promise<number> {
  const asked = performance.now();
  return new Promise((resolve) => setTimeout(() => resolve(performance.now() - asked), 0));
}

/** Whether a path is that of a probe. */
export function isProbe(path: string): path is ProbePath {
  return PROBE_PATHS.some((each) => each === path);
}

/** The answer to a probe. */
export async function answerProbe(path: ProbePath, lateness = loopLateness): Promise<ProbeAnswer> {
  // A start that is slow is not stuck: of it nothing but the answer itself is asked.
  const isStuck = path !== "/startupz" && (await lateness()) > LOOP_LATE_MAX_MS;
  return isStuck ? { status: 503, body: { status: "stuck" } } : { status: 200, body: { status: "ok" } };
}

const schema = {
  response: {
    200: Type.Object({ status: Type.Literal("ok") }),
    503: Type.Object({ status: Type.Literal("stuck") }),
  },
};

/** The probes as routes of a server that `createServer` made. Anyone may ask them, and they take no place from anybody. */
export function probeRoutes(lateness = loopLateness): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const path of PROBE_PATHS)
      app.get(path, { config: { role: "public", lane: "unbounded" }, schema }, async (_request, reply) => {
        const { status, body } = await answerProbe(path, lateness);
        return reply.code(status).send(body);
      });
  };
}
