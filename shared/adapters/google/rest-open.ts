// Opens the REST interfaces of Google as the identity of this process. Nothing is asked before the first request.
import type { Clock } from "../../ports/clock.ts";
import { openAccessToken } from "./access-token-open.ts";
import { createCalls } from "./calls.ts";
import { createRest, type Rest } from "./rest.ts";

/** Requests with the token of this process. */
export function openRest(clock: Clock): Rest {
  return createRest({ calls: createCalls({ clock }), accessToken: openAccessToken() });
}
