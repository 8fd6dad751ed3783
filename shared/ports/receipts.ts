/** A raw delivery as it arrived, kept before it is answered. */
export interface Receipt {
  readonly guid: string;
  readonly event: string;
  /** `sha256:<hex>` over event name and raw body: the same content under another guid is the same delivery. */
  readonly bodyHash: string;
  readonly body: Uint8Array;
  readonly receivedAt: string;
}

/** What became of a delivery. */
export interface ReceiptOutcome {
  readonly outcome: "accepted" | "ignored" | "refused";
  readonly reason: string;
  readonly time: string;
}

/**
 * Receipts of deliveries. Law: `put` is durable when it resolves; a guid or a body hash is stored once
 * (`duplicate` names the guid that holds it and says whether it is settled); an unsettled receipt is offered again.
 */
export interface Receipts {
  put(
    receipt: Receipt,
  ): Promise<
    | { readonly kind: "stored" }
    | { readonly kind: "duplicate"; readonly guid: string; readonly settled: boolean }
  >;
  /** Unsettled receipts, oldest first. */
  pending(limit: number): Promise<readonly Receipt[]>;
  settle(guid: string, outcome: ReceiptOutcome): Promise<void>;
  /** Newest first, without bodies. */
  list(limit: number): Promise<readonly (Omit<Receipt, "body"> & { readonly outcome?: ReceiptOutcome })[]>;
}
