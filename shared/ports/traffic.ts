import type { TrafficDocument } from "../domain/traffic.ts";

/**
 * The one document per endpoint that decides where requests go; it holds weights, epoch, last moves, good versions and hold.
 * Law: a write replaces the whole document, is durable when it resolves, and succeeds only at the `resourceVersion` that was
 * read (`conflict` otherwise). No other writer exists; where the store cannot keep others out, what they changed is read as
 * `drift`, and any write ends it: weights, and all else that says where requests go, are then those of the document.
 */
export interface Traffic {
  read(endpoint: string): Promise<TrafficDocument | undefined>;
  /** Writes at `document.resourceVersion` (0 creates); answers the document with its new resource version. */
  write(
    endpoint: string,
    document: TrafficDocument,
  ): Promise<
    { readonly kind: "written"; readonly document: TrafficDocument } | { readonly kind: "conflict" }
  >;
  /** Names of all endpoints that have a document. */
  list(): Promise<readonly string[]>;
}
