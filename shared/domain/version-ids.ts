// Version ids are the caller's own or the next integer.

// Longer digit strings are a caller's own names (timestamps, hashes): they neither raise nor lose precision in the count.
const COUNTED = /^[1-9][0-9]{0,8}$/;

/** One more than the largest counted id among these, from 1. Ids of more than nine digits are not counted. */
export function nextVersionId(ids: Iterable<string>): string {
  let largest = 0;
  for (const id of ids) if (COUNTED.test(id)) largest = Math.max(largest, Number(id));
  return String(largest + 1);
}
