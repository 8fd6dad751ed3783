// The status page, its stylesheet, and the way in. It reads; nothing on it can change anything.
import { readFileSync } from "node:fs";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { toControlPlaneError } from "../../shared/runtime/errors.ts";
import { refusalPage, statusPage } from "./page.ts";
import type { Sessions } from "../../shared/runtime/sessions.ts";
import { type ConsolePorts, readPage } from "./page-data.ts";
import { signInRoutes } from "./sign-in.ts";

/** Nothing but our own stylesheet and the form that signs out: no script, no frame, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** How long a browser keeps the stylesheet. */
const STYLE_MAX_AGE_SECONDS = 300;

const schema = { querystring: Type.Object({ paused: Type.Optional(Type.Literal("true")) }) };

/** The console as a plugin of a server that `createServer` made. */
export function createConsole(
  ports: ConsolePorts & { readonly sessions: Sessions },
): FastifyPluginAsyncTypebox {
  const style = readFileSync(new URL("style.css", import.meta.url), "utf8");
  return async (app) => {
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("content-security-policy", POLICY);
    });
    const refuse = app.errorHandler;
    app.setErrorHandler((error, request, reply) => {
      const { code, message } = toControlPlaneError(error);
      const people =
        (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") &&
        (request.headers.accept ?? "").includes("text/html");
      if (!people) return refuse.call(app, error as never, request, reply);
      return reply
        .code(code === "UNAUTHENTICATED" ? 401 : 403)
        .header("content-security-policy", POLICY)
        .type("text/html; charset=utf-8")
        .send(refusalPage(message));
    });
    await app.register(signInRoutes(ports.sessions));
    app.get("/", { config: { role: "viewer" }, schema }, async ({ caller, query }, reply) => {
      const page = statusPage(await readPage(ports), {
        principal: caller.principal,
        paused: query.paused === "true",
      });
      return reply.type("text/html; charset=utf-8").send(page);
    });
    app.get("/console.css", { config: { role: "public", lane: "unbounded" } }, async (_request, reply) =>
      reply
        .type("text/css; charset=utf-8")
        .header("cache-control", `max-age=${STYLE_MAX_AGE_SECONDS}`)
        .send(style),
    );
  };
}
