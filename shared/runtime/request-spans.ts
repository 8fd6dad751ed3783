// A span for every request that may change something, by the semantic conventions of HTTP. Reads are left out: the page asks
// every few seconds; and so are calls of workflows, which belong to the story of what they move.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { parseTraceparent } from "../domain/traceparent.ts";
import { beginSpan, inStory, isTraced, type OpenSpan } from "./tracing.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The traceparent at which requests of this route begin their story; default: below that of the request. */
    readonly storyOf?: (request: FastifyRequest) => string | undefined;
  }
}

const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const SERVER_ERROR = 500;
const CLIENT_ERROR = 400;

/** Lets handlers run in the story of their request, and tells of them when they have answered. */
export function tellRequests(app: Pick<FastifyInstance, "addHook">): void {
  const open = new WeakMap<FastifyRequest, { readonly span: OpenSpan; readonly fixed: boolean }>();
  app.addHook("preHandler", (request, _, done) => {
    const { config, url = "" } = request.routeOptions;
    if (READS.has(request.method) || config.role === "workflow") return inStory("", done);
    // Such a route names the story to whatever it records; here only a tracer would ask for it.
    const fixed = isTraced() ? config.storyOf?.(request) : config.storyOf && "";
    const given = request.headers["traceparent"];
    const parent =
      fixed === undefined && typeof given === "string" && parseTraceparent(given) !== undefined ? given : "";
    const span = beginSpan({
      ...(fixed === undefined ? {} : { traceparent: fixed }),
      parent,
      name: `${request.method} ${url}`,
      kind: "server",
      attributes: {
        "http.request.method": request.method,
        "http.route": url,
        "url.scheme": request.protocol,
      },
    });
    open.set(request, { span, fixed: fixed !== undefined });
    return inStory(span.traceparent, done);
  });
  app.addHook("onResponse", (request, { statusCode }, done) => {
    const found = open.get(request);
    // What was refused has begun no story that others go on with.
    if (found !== undefined && !(found.fixed && statusCode >= CLIENT_ERROR)) {
      found.span.end({
        attributes: { "http.response.status_code": statusCode },
        ...(statusCode >= SERVER_ERROR ? { error: String(statusCode) } : {}),
      });
    }
    done();
  });
}
