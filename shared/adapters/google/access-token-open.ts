// Access tokens as the identity of this process. Nothing is asked before the first one is needed.
import { GoogleAuth } from "google-auth-library";
import { type AccessToken, CLOUD_PLATFORM_SCOPE, EMAIL_SCOPE, googleAccessToken } from "./access-token.ts";

/** The token of this process, for what is spoken to without a client library: REST interfaces, Prometheus, a cluster. */
export const openAccessToken = (): AccessToken =>
  googleAccessToken(new GoogleAuth({ scopes: [CLOUD_PLATFORM_SCOPE, EMAIL_SCOPE] }));
