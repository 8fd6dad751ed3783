// The state of a connector call between its requests: plain JSON, part of the machine.
import type { HttpRequest } from "../machine/request.ts";

/** `connector_params`, with the defaults filled in; seconds. */
export interface ConnectorOptions {
  readonly timeoutSeconds: number;
  readonly skipPolling: boolean;
  readonly initialDelay: number;
  readonly multiplier: number;
  readonly maxDelay: number;
  readonly scopes: readonly string[];
}

/** What a connector call is doing: a request is out (`call`, `poll`), or a delay runs before `request` goes out (`wait`). */
export interface ConnectorCall {
  readonly name: string;
  readonly phase: "call" | "poll" | "wait";
  /** The phase that follows a wait. */
  readonly next: "call" | "poll";
  readonly request: HttpRequest;
  /** Repeats of the current request after transient errors. */
  readonly retries: number;
  readonly polls: number;
  readonly startedMs: number;
  readonly options: ConnectorOptions;
}
