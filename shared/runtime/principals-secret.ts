// Who may come in, where it is a secret and no file: the text that principals.json would hold.
import { ControlPlaneError } from "../domain/errors.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { PrincipalEntry } from "./identity.ts";
import { parsePrincipals } from "./principals-file.ts";

/** Name of the secret. */
export const PRINCIPALS_SECRET = "principals";

/**
 * Reads the entries as the secret's newest version says them. How fresh they are, and how long they serve while the secret cannot be
 * read, is the store's promise. UNAVAILABLE when they are wrong: the version before may name somebody who was taken out since.
 */
export function createPrincipalsOfSecret(
  secrets: Pick<Secrets, "get">,
): () => Promise<readonly PrincipalEntry[]> {
  let known: { readonly text: string; readonly entries: readonly PrincipalEntry[] } | undefined;
  return async () => {
    const { current } = await secrets.get(PRINCIPALS_SECRET);
    if (known?.text === current) return known.entries;
    try {
      known = { text: current, entries: parsePrincipals(current) };
      return known.entries;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ControlPlaneError(
        "UNAVAILABLE",
        `The secret ${PRINCIPALS_SECRET} cannot be used, so nobody can be let in: ${why}`,
        { reason: "PRINCIPALS_UNREADABLE", metadata: { name: PRINCIPALS_SECRET }, cause },
      );
    }
  };
}
