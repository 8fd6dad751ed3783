/** What a secret allows, until when. */
export interface Grant {
  readonly kind: "code" | "session";
  readonly principal: string;
  /** Epoch milliseconds. */
  readonly expiresMs: number;
}

/**
 * Grants by the hash of their secret: sign-in codes and sessions of the page. The secret itself is nowhere.
 * Law: `put` is durable when it resolves; of all who take a grant, in any process, one gets it; what was taken is gone.
 */
export interface Grants {
  /** `key` is a SHA-256 in hex. */
  put(key: string, grant: Grant): Promise<void>;
  get(key: string): Promise<Grant | undefined>;
  /** Answers the grant and removes it. */
  take(key: string): Promise<Grant | undefined>;
  /** All grants, also those that have ended. */
  list(): Promise<readonly { readonly key: string; readonly grant: Grant }[]>;
}
