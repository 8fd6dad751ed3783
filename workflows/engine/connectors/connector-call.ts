// The state of a connector call between its requests: plain JSON, part of the machine.

/** What a connector call is doing and what it needs for its next request. */
export interface ConnectorCall {
  readonly name: string;
  readonly phase: "call" | "retry" | "wait" | "poll";
  /** URL that answers the state of the long-running operation; "" before it is known. */
  readonly pollUrl: string;
  readonly retries: number;
  readonly polls: number;
  readonly startedMs: number;
  /** The request to repeat after a delay, as JSON. */
  readonly request: string;
  readonly options: ConnectorOptions;
}

/** `connector_params`, with the defaults filled in; seconds. */
export interface ConnectorOptions {
  readonly timeoutSeconds: number;
  readonly skipPolling: boolean;
  readonly initialDelay: number;
  readonly multiplier: number;
  readonly maxDelay: number;
  readonly scopes: readonly string[];
}
