// Signing in to the page: a bearer token buys a code that works once; the code becomes a cookie that may only read.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { sessionCookieName } from "../../../shared/runtime/authenticate.ts";
import { SESSION_LIFETIME_MS, type Sessions } from "../../../shared/runtime/sessions.ts";
import { errorResponses } from "./schemas.ts";

const create = {
  response: {
    200: Type.Object({
      /** Open this in a browser within a minute; it works once. */
      url: Type.String(),
      code: Type.String(),
      expireTime: Type.String(),
    }),
    ...errorResponses,
  },
};

const redeem = { querystring: Type.Object({ code: Type.String({ maxLength: 1_000 }) }) };

/** `POST /v1/sessions` and `GET /session?code=`. */
export function sessionRoutes({ sessions }: { readonly sessions: Sessions }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/sessions",
      { config: { role: "viewer" }, schema: create },
      async ({ caller, protocol, headers }) => {
        const { code, expires } = sessions.issueCode(caller.principal);
        const url = `${protocol}://${headers.host ?? "127.0.0.1"}/session?code=${encodeURIComponent(code)}`;
        return { url, code, expireTime: expires.toISOString() };
      },
    );
    app.get(
      "/session",
      { config: { role: "public" }, schema: redeem, exposeHeadRoute: false },
      async (request, reply) => {
        const session = sessions.redeem(request.query.code);
        if (session === undefined) {
          throw new ControlPlaneError(
            "UNAUTHENTICATED",
            "This code was used, or is more than a minute old: run `signalbox open` again.",
            {
              reason: "CODE_SPENT",
            },
          );
        }
        const name = sessionCookieName(request.socket.localPort);
        const cookie = `${name}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_LIFETIME_MS / 1_000}`;
        return reply.header("set-cookie", cookie).redirect("/", 303);
      },
    );
  };
}
