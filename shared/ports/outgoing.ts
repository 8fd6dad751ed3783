/** A message to somebody outside. */
export interface OutgoingRequest {
  /** Where to: `https:`, or `http:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** Lets it go to addresses of private networks, too. */
  readonly allowPrivateNetwork: boolean;
  readonly signal?: AbortSignal;
}

/** The answer, without its body. */
export interface OutgoingAnswer {
  readonly status: number;
  readonly retryAfter?: string;
}

/**
 * Posts to an address that a person configured. Law: it connects only to addresses that are public, or that are loopback and named
 * so (`localhost`, `127.0.0.1`, `[::1]`), or that `allowPrivateNetwork` lets pass: what is checked is the address it connects to,
 * whatever name led there. Redirects are not followed, and no answer is read beyond its head.
 * Throws PERMISSION_DENIED `ADDRESS_REFUSED` before anything is sent, UNAVAILABLE when no answer comes, DEADLINE_EXCEEDED when it
 * comes too late; no message repeats the path of the URL, which may be a secret.
 */
export interface Outgoing {
  post(request: OutgoingRequest): Promise<OutgoingAnswer>;
}
