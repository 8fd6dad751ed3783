// Facts as they happen, as server-sent events.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ControlPlaneError, invalidArgument } from "../../../shared/domain/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { BEGINNING } from "../facts/event-text.ts";
import { type Beginning, beginAtEnd, follow, type FollowPorts } from "../facts/follow.ts";
import { createStreams } from "../facts/streams.ts";
import { factArguments, typeOf } from "./facts.ts";

/** Facts from before that a stream may begin with. */
export const BACKLOG_MAX = 1_000;

const querystring = Type.Object(
  {
    ...factArguments,
    /** Begin with the newest of what has happened; not with `Last-Event-ID`, which says where to go on. */
    backlog: Type.Optional(Type.Integer({ minimum: 0, maximum: BACKLOG_MAX })),
  },
  { additionalProperties: false },
);

/** Goes on after this event, which must be one of ours. */
async function beginAfter({ ledger }: FollowPorts, id: string): Promise<Beginning> {
  if (id === BEGINNING) return { backlog: [], after: undefined };
  try {
    await ledger.list({ limit: 1, order: "oldest-first", after: id });
    return { backlog: [], after: id };
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.reason !== "INVALID_CURSOR") throw error;
    throw invalidArgument(
      "Last-Event-ID",
      `Last-Event-ID is ${JSON.stringify(id.slice(0, 80))}, which is no id of an event of this stream: send the last one that came, or none.`,
      "INVALID_CURSOR",
    );
  }
}

/** `GET /v1/facts:stream`: `Last-Event-ID` resumes, without it the stream begins now. Ends when the server drains. */
export function factStreamRoutes(ports: FollowPorts & { readonly log: Log }): FastifyPluginAsyncTypebox {
  const streams = createStreams(ports);
  return async (app) => {
    app.addHook("preClose", async () => streams.endAll());
    const config = { role: "viewer", lane: "unbounded", produces: "text/event-stream" } as const;
    // HEAD would open a stream that nobody reads.
    const options = { exposeHeadRoute: false, config, schema: { querystring } };
    app.get("/v1/facts::stream", options, async ({ query, headers, caller }, reply) => {
      const filter = { subject: query.subject, types: query.type?.map(typeOf) };
      const last = headers["last-event-id"];
      const beginning =
        typeof last === "string" && last !== ""
          ? await beginAfter(ports, last)
          : await beginAtEnd(ports, filter, query.backlog ?? 0);
      const stream = streams.open(caller.principal, (signal) => follow(ports, filter, beginning, signal));
      return reply.type("text/event-stream; charset=utf-8").header("x-accel-buffering", "no").send(stream);
    });
  };
}
