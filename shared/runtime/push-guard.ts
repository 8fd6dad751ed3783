// Who may push to a service: asked before anything reads the body.
import { createHash, timingSafeEqual } from "node:crypto";
import { ControlPlaneError } from "../domain/errors.ts";
import { rawHeaderValues } from "./host-check.ts";

/** Resolves for a sender who may push; throws UNAUTHENTICATED, PERMISSION_DENIED, or UNAVAILABLE when it cannot be known now. */
export type PushGuard = (rawHeaders: readonly string[]) => Promise<void>;

const BEARER = /^Bearer ([\w.~+/-]+=*)$/i;

/** The one bearer token of a request. UNAUTHENTICATED without one, with two, or with another kind. */
export function bearerOf(rawHeaders: readonly string[]): string {
  const [header = "", ...more] = rawHeaderValues(rawHeaders, "authorization");
  const token = more.length === 0 ? BEARER.exec(header)?.[1] : undefined;
  if (token !== undefined) return token;
  throw new ControlPlaneError("UNAUTHENTICATED", "Send one Authorization header, with a bearer token.", {
    reason: "TOKEN_MISSING",
  });
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The guard of one machine: the token that both sides were started with. */
export function tokenGuard(token: string): PushGuard {
  const right = digest(`Bearer ${token}`);
  return async (rawHeaders) => {
    const [given = "", ...more] = rawHeaderValues(rawHeaders, "authorization");
    if (more.length === 0 && timingSafeEqual(digest(given), right)) return;
    throw new ControlPlaneError("UNAUTHENTICATED", "This token is not the one that pushes need.", {
      reason: "TOKEN_INVALID",
    });
  };
}
