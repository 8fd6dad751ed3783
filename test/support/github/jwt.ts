// How the fake examines the JWT of an App.
import { createPublicKey, verify } from "node:crypto";
import { FakeError } from "./world.ts";

/** A JWT may live 10 minutes (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app). */
const JWT_LIFE_SECONDS_MAX = 600;

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>;
}

/** Refuses what the API refuses about an App's JWT, in its words. */
export function checkJwt(token: string, publicKey: string, appId: number, nowMs: number): void {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const bad = (message: string): FakeError => new FakeError(401, message);
  let claims: Record<string, unknown>;
  try {
    if (decode(head)["alg"] !== "RS256") throw bad("A JSON web token could not be decoded");
    claims = decode(payload);
  } catch {
    throw bad("A JSON web token could not be decoded");
  }
  const key = createPublicKey(publicKey);
  if (!verify("RSA-SHA256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url")))
    throw bad("A JSON web token could not be decoded");
  const now = Math.floor(nowMs / 1_000);
  const { iat, exp, iss } = claims;
  if (typeof exp !== "number" || exp <= now)
    throw bad(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > now + JWT_LIFE_SECONDS_MAX) throw bad("'Expiration time' claim ('exp') is too far in the future");
  if (typeof iat !== "number" || iat > now)
    throw bad(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  if (String(iss) !== String(appId)) throw new FakeError(404, "Integration not found");
}
