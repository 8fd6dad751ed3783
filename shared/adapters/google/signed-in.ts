// Signs a generated client in before its first call. Such a client begins to sign in by itself with a promise that nobody awaits: where
// that fails, the process ends.
import { google } from "./errors.ts";

/** The client, once it has an identity; UNAVAILABLE or the like when it gets none. */
export async function signedIn<Client extends { readonly auth: { getClient(): Promise<unknown> } }>(
  client: Client,
): Promise<Client> {
  await google("Signing in", "the identity of this process", () => client.auth.getClient());
  return client;
}
