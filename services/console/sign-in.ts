// Signing in to the page and out of it: a code that works once becomes a cookie that may only read, so no token is ever in a URL.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { sessionCookieName, sessionOf } from "../../shared/runtime/authenticate.ts";
import { SESSION_LIFETIME_MS, type Sessions } from "../../shared/runtime/sessions.ts";
import { goodbyePage } from "./page.ts";

const schema = { querystring: Type.Object({ code: Type.String({ maxLength: 100 }) }) };

const spent = (): ControlPlaneError =>
  new ControlPlaneError(
    "UNAUTHENTICATED",
    "This code was used, or is more than a minute old: ask for another.",
    { reason: "CODE_SPENT" },
  );

const fromElsewhere = (): ControlPlaneError =>
  new ControlPlaneError(
    "PERMISSION_DENIED",
    "This request comes from a page of somebody else: do it on the status page itself.",
    { reason: "CROSS_SITE" },
  );

interface Asking {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly protocol: string;
  readonly socket: { readonly localPort?: number };
}

/** The cookie: sent to us alone, never to a script, never from a page of somebody else, and under TLS only over TLS. */
function cookieOf({ protocol, socket }: Asking, session: string, maxAgeSeconds: number): string {
  const secure = protocol === "https" ? "; Secure" : "";
  const name = sessionCookieName(socket.localPort);
  return `${name}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}

/** Whether a browser says that our own page sent this. All browsers of today send one of the two headers with a form. */
function isOurs({ headers, protocol }: Asking): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  return headers["origin"] === `${protocol}://${String(headers["host"])}`;
}

/**
 * `GET /session?code=` sets the cookie and goes on to the page; a code comes from `POST /v1/sessions`. `POST /session/end` signs
 * out, for good and in every process. Neither does anything for a page of somebody else.
 */
export function signInRoutes(sessions: Sessions): FastifyPluginAsyncTypebox {
  return async (app) => {
    // A flood of strangers must not keep anyone from signing in or out: a code or a session costs one small read.
    const config = { role: "public", lane: "unbounded" } as const;
    const options = { config, schema, exposeHeadRoute: false };
    app.get("/session", options, async (request, reply) => {
      // A stranger's page could sign its visitor in as the stranger; a typed or opened address has no site.
      if (request.headers["sec-fetch-site"] === "cross-site") throw fromElsewhere();
      const session = await sessions.redeem(request.query.code);
      if (session === undefined) throw spent();
      const cookie = cookieOf(request, session, SESSION_LIFETIME_MS / 1_000);
      return reply.header("set-cookie", cookie).header("cache-control", "no-store").redirect("/", 303);
    });
    // A form of the page sends this; its body is empty.
    app.addContentTypeParser("application/x-www-form-urlencoded", (_request, payload, done) => {
      payload.resume();
      done(null, {});
    });
    app.post("/session/end", { config }, async (request, reply) => {
      if (!isOurs(request)) throw fromElsewhere();
      const session = sessionOf(request.raw.rawHeaders, sessionCookieName(request.socket.localPort));
      if (session !== undefined) await sessions.end(session);
      return reply
        .header("set-cookie", cookieOf(request, "", 0))
        .header("clear-site-data", '"cache"')
        .header("cache-control", "no-store")
        .type("text/html; charset=utf-8")
        .send(goodbyePage());
    });
  };
}
