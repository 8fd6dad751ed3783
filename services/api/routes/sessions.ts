// Signing in to the page begins here: a bearer token buys a code that works once.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { Sessions } from "../../../shared/runtime/sessions.ts";
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

/** `POST /v1/sessions`. The page redeems the code. */
export function sessionRoutes({ sessions }: { readonly sessions: Sessions }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/sessions",
      { config: { role: "viewer" }, schema: create },
      async ({ caller, protocol, headers }) => {
        const { code, expires } = await sessions.issueCode(caller.principal);
        const url = `${protocol}://${headers.host ?? "127.0.0.1"}/session?code=${encodeURIComponent(code)}`;
        return { url, code, expireTime: expires.toISOString() };
      },
    );
  };
}
