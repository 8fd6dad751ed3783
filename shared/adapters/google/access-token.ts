// Access tokens of this process's Google identity, for APIs that are spoken to without a client library.
import type { GoogleAuth } from "google-auth-library";
import { ControlPlaneError } from "../../domain/errors.ts";
import { google } from "./errors.ts";

/** What the token is good for: what the identity may do is IAM's to say. */
export const CLOUD_PLATFORM_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** A token that is valid now. The library keeps it and renews it before it ends. */
export function googleAccessToken(auth: Pick<GoogleAuth, "getAccessToken">): () => Promise<string> {
  return () =>
    google("Getting an access token", "the identity of this process", async () => {
      const token = await auth.getAccessToken();
      if (typeof token === "string" && token !== "") return token;
      throw new ControlPlaneError(
        "UNAVAILABLE",
        "Google's library gave no access token. Try again in a moment.",
        {
          reason: "NO_ACCESS_TOKEN",
        },
      );
    });
}
