// The order of merges into a default branch: deliveries about them come in any order.

/** How a configuration stands to the one on record in the order of merges. */
export function compareMergeOrder(
  next: { readonly mergeOrder?: number },
  known: { readonly mergeOrder?: number } | undefined,
): "older" | "newer" | "unknown" {
  if (next.mergeOrder === undefined || known?.mergeOrder === undefined) return "unknown";
  if (next.mergeOrder < known.mergeOrder) return "older";
  return next.mergeOrder > known.mergeOrder ? "newer" : "unknown";
}
