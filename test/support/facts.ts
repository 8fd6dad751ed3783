// Short ways to make facts and batches for tests.
import { createHash } from "node:crypto";
import { type AnyFact, type Draft, type FactOf, factId } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { Batch } from "../../shared/ports/ledger.ts";

/** The time of facts whose time does not matter. */
export const FACT_TIME = "2026-01-02T03:04:05.678Z";

/** What of the envelope a test may want to choose. */
export interface Envelope {
  readonly subject?: string;
  readonly version?: number;
  readonly time?: string;
  readonly cause?: string;
  readonly index?: number;
  readonly actor?: string;
}

/** A fact from its draft; the envelope has defaults. */
export function factFrom<Type extends FactType>(draft: Draft<Type>, envelope: Envelope = {}): FactOf<Type> {
  const {
    subject = "stacks/web",
    version = 1,
    time = FACT_TIME,
    cause = "test",
    index = 0,
    actor = "people/test",
  } = envelope;
  const { type, data } = draft;
  return {
    id: factId(subject, cause, index),
    type,
    subject,
    version,
    time,
    cause,
    correlation: "",
    actor,
    data,
  };
}

/** A batch as `record` would append it. */
export function batchOf(stream: string, expected: number, cause: string, drafts: readonly Draft[]): Batch {
  const facts = drafts.map((draft, index): AnyFact =>
    factFrom(draft, { subject: stream, version: expected + 1 + index, cause, index }),
  );
  const inputHash = createHash("sha256").update(cause).digest("hex");
  return { stream, expected, cause, inputHash, facts, due: [], actor: "people/test", time: FACT_TIME };
}

/** The smallest draft of the vocabulary. */
export function planStarted(build: string): Draft<"plan.started"> {
  return { type: "plan.started", data: { build } };
}
