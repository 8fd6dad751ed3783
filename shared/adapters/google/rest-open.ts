// Opens the REST interfaces of Google as the identity of this process. Nothing is asked before the first request.
import { GoogleAuth } from "google-auth-library";
import type { Clock } from "../../ports/clock.ts";
import { CLOUD_PLATFORM_SCOPE, googleAccessToken } from "./access-token.ts";
import { createCalls } from "./calls.ts";
import { createRest, type Rest } from "./rest.ts";

/** Requests with the token of this process. */
export function openRest(clock: Clock): Rest {
  const auth = new GoogleAuth({ scopes: [CLOUD_PLATFORM_SCOPE] });
  return createRest({ calls: createCalls({ clock }), accessToken: googleAccessToken(auth) });
}
