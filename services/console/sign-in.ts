// Signing in to the page: a code that works once becomes a cookie that may only read, so no token is ever in a URL.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { sessionCookieName } from "../../shared/runtime/authenticate.ts";
import { SESSION_LIFETIME_MS, type Sessions } from "../../shared/runtime/sessions.ts";

const schema = { querystring: Type.Object({ code: Type.String({ maxLength: 1_000 }) }) };

const spent = (): ControlPlaneError =>
  new ControlPlaneError(
    "UNAUTHENTICATED",
    "This code was used, or is more than a minute old: ask for another.",
    { reason: "CODE_SPENT" },
  );

/** `GET /session?code=`: sets the cookie and goes on to the page. A code comes from `POST /v1/sessions`. */
export function signInRoutes(sessions: Sessions): FastifyPluginAsyncTypebox {
  return async (app) => {
    // A flood of strangers must not keep anyone from signing in: a code is checked by one HMAC.
    const config = { role: "public", lane: "unbounded" } as const;
    const options = { config, schema, exposeHeadRoute: false };
    app.get("/session", options, async (request, reply) => {
      const session = sessions.redeem(request.query.code);
      if (session === undefined) throw spent();
      const name = sessionCookieName(request.socket.localPort);
      const cookie = `${name}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_LIFETIME_MS / 1_000}${request.protocol === "https" ? "; Secure" : ""}`;
      return reply.header("set-cookie", cookie).redirect("/", 303);
    });
  };
}
