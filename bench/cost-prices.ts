// What one outcome costs: what was counted, multiplied by list prices of us-central1 without what is free.
import { STEP_PRICES } from "../workflows/engine/accounting/cost.ts";

/** What one outcome took. */
export interface Usage {
  /** Pushes, deliveries and calls that a service on Cloud Run answered. */
  readonly requests: number;
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
  /** Messages published and pushed. */
  readonly messages: number;
  readonly internalSteps: number;
  readonly externalSteps: number;
  readonly logBytes: number;
}

/** One line of the table. */
export interface CostLine {
  readonly item: string;
  readonly count: number;
  readonly usd: number;
  readonly price: string;
}

/** How long a request is assumed to take on Cloud Run, billed with 1 vCPU and half a gibibyte. */
export const REQUEST_MS = 250;
/** Bytes that a message is assumed to have each way; Pub/Sub bills at least 1,000. */
export const MESSAGE_BYTES = 2_000;

const REQUEST_USD = (REQUEST_MS / 1_000) * (0.000024 + 0.5 * 0.0000025) + 0.4e-6;
const MESSAGE_USD = (MESSAGE_BYTES * 40) / 2 ** 40;
const LOG_BYTE_USD = 0.5 / 2 ** 30;

/** The table of an outcome. */
export function costLines(usage: Usage): readonly CostLine[] {
  const line = (item: string, count: number, each: number, price: string): CostLine => ({
    item,
    count,
    usd: count * each,
    price,
  });
  const { internal, external } = STEP_PRICES;
  return [
    line("requests on Cloud Run", usage.requests, REQUEST_USD, `${REQUEST_MS} ms of 1 vCPU and 0.5 GiB each`),
    line("Firestore reads", usage.reads, 0.03e-5, "$0.03 per 100,000"),
    line("Firestore writes", usage.writes, 0.09e-5, "$0.09 per 100,000"),
    line("Firestore deletes", usage.deletes, 0.01e-5, "$0.01 per 100,000"),
    line("Pub/Sub messages", usage.messages, MESSAGE_USD, `$40 a TiB, ${MESSAGE_BYTES} bytes each`),
    line(
      "workflow steps, internal",
      usage.internalSteps,
      internal.dollarsPerThousand / 1_000,
      "$0.01 per 1,000",
    ),
    line(
      "workflow steps, external",
      usage.externalSteps,
      external.dollarsPerThousand / 1_000,
      "$0.025 per 1,000",
    ),
    line("bytes of log", usage.logBytes, LOG_BYTE_USD, "$0.50 a GiB"),
  ];
}

/** What the lines add up to. */
export const totalUsd = (lines: readonly CostLine[]): number => lines.reduce((sum, { usd }) => sum + usd, 0);
