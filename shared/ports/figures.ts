import type { FactType } from "../domain/facts.ts";

/** How many facts of one kind there are. */
export interface FactFigure {
  readonly type: FactType;
  /** The value of the field that `FACT_DETAILS` names for this type; empty for other types. */
  readonly detail: string;
  readonly count: number;
}

/** Types of fact that are counted by one of their fields. */
export const FACT_DETAILS = {
  "rollout.rolled-back": "trigger",
  "rollout.judged": "verdict",
  "traffic.moved": "kind",
  "plan.failed": "reason",
  "apply.failed": "reason",
  "run.failed": "reason",
} as const satisfies Partial<Record<FactType, string>>;

/** What the stores hold, in numbers. */
export interface StoreFigures {
  /** All facts that were ever appended. */
  readonly facts: readonly FactFigure[];
  readonly deliveries: readonly {
    readonly outcome: "accepted" | "ignored" | "refused" | "pending";
    readonly count: number;
  }[];
  /** Facts that wait to be published, and RFC 3339 of the oldest one's append. */
  readonly outbox: { readonly pending: number; readonly oldest: string | undefined };
  /** Timers that have not fired, and RFC 3339 of the earliest due time. */
  readonly timers: { readonly waiting: number; readonly earliest: string | undefined };
  readonly deadLetters: readonly { readonly service: string; readonly count: number }[];
}

/**
 * Counts for monitoring. Law: numbers of facts and of settled deliveries never fall, also over restarts; reading is cheap
 * however long the history is, apart from the first time, and never holds the event loop for long.
 */
export interface Figures {
  /** Throws UNAVAILABLE when the stores cannot be read. */
  read(): Promise<StoreFigures>;
}
