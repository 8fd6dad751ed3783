// How many requests a server answered, with what, and how long it took.
import type { FastifyReply, FastifyRequest } from "fastify";

/** Requests of one method, route and status. */
export interface RequestCount {
  readonly method: string;
  /** As the router spells it; undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly count: number;
  /** From the head of the request to the end of the answer, all together. */
  readonly seconds: number;
}

/** The counts so far, from the start of this process. */
export type RequestCounts = () => readonly RequestCount[];

/** The part of a fastify server that counting touches, whatever its type provider. */
interface Countable {
  addHook(name: "onResponse", hook: (request: FastifyRequest, reply: FastifyReply) => Promise<void>): unknown;
}

/** Counts every answer of routes that are registered from now on. Routes and statuses are few, so the counts are too. */
export function countRequests(app: Countable): RequestCounts {
  const counts = new Map<string, { -readonly [Key in keyof RequestCount]: RequestCount[Key] }>();
  app.addHook("onResponse", async (request, reply) => {
    const route = request.is404 ? undefined : request.routeOptions.url;
    const { statusCode: status, elapsedTime } = reply;
    const key = `${request.method} ${status} ${route ?? ""}`;
    const known = counts.get(key) ?? { method: request.method, route, status, count: 0, seconds: 0 };
    counts.set(key, known);
    known.count += 1;
    known.seconds += elapsedTime / 1_000;
  });
  return () => [...counts.values()];
}
