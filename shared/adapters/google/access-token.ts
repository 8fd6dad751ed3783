// Access tokens of this process's Google identity, for APIs that are spoken to without a client library.
import type { GoogleAuth } from "google-auth-library";
import { ControlPlaneError } from "../../domain/errors.ts";
import { google } from "./errors.ts";

/** What the token is good for: what the identity may do is IAM's to say. */
export const CLOUD_PLATFORM_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/**
 * Lets a cluster know an account by its e-mail address, as our bindings name it; without it the account is a number there
 * (cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control, "Forbidden error for service accounts").
 */
export const EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email";

/** Gives a token that is valid now; with one that was `refused`, another one if there is any. */
export type AccessToken = (refused?: string) => Promise<string>;

/** The library's token, or another one than `refused`, which it still believes in. */
async function tokenOf(auth: Auth, refused: string | undefined): Promise<string | null | undefined> {
  const token = await auth.getAccessToken();
  if (refused === undefined || token !== refused) return token;
  const client = await auth.getClient();
  // Over, as the library sees it: it has no other way to be told. Two who find out at once both come here, which costs a request.
  client.setCredentials({ ...client.credentials, expiry_date: 1 });
  return auth.getAccessToken();
}

type Auth = Pick<GoogleAuth, "getAccessToken" | "getClient">;

/** Tokens of an identity. The library keeps one and renews it before it ends. */
export function googleAccessToken(auth: Auth): AccessToken {
  return (refused) =>
    google("Getting an access token", "the identity of this process", async () => {
      const token = await tokenOf(auth, refused);
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
