// Hints for words that are not known: what the writer may have meant.

/** Words that a hint suggests. */
const SUGGESTIONS_MAX = 3;
/** Allowed words that a hint lists where none is close. */
const LISTED_MAX = 20;
/** Edits between a word and what was meant. */
const DISTANCE_MAX = 2;
/** Edits between a long word and what was meant. */
const LONG_WORD_DISTANCE_MAX = 3;
const LONG_WORD_CHARACTERS = 6;
/** Longer words are never compared. */
const COMPARED_CHARACTERS_MAX = 64;

/** A hint that names the words closest to one, or `otherwise` where none is close. */
export function suggestOr(word: string, known: readonly string[], otherwise: string): string {
  const limit = word.length < LONG_WORD_CHARACTERS ? DISTANCE_MAX : LONG_WORD_DISTANCE_MAX;
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase(), limit) }))
    .filter(({ far }) => far <= limit)
    .toSorted((a, b) => a.far - b.far)
    .map(({ candidate }) => candidate);
  const close = [...new Set(ranked)].slice(0, SUGGESTIONS_MAX);
  return close.length === 0 ? otherwise : `did you mean ${close.join(" or ")}?`;
}

/** A hint that names the closest allowed words, or all of them. */
export function suggest(word: string, allowed: readonly string[]): string {
  const all = `allowed: ${allowed.slice(0, LISTED_MAX).join(", ")}`;
  return suggestOr(word, allowed, allowed.length === 0 ? "nothing is allowed here" : all);
}

/** Edit distance; words whose lengths differ by more than the limit are beyond it at once. */
function distance(left: string, right: string, limit: number): number {
  const beyond = limit + 1;
  if (Math.abs(left.length - right.length) > limit || left.length > COMPARED_CHARACTERS_MAX) return beyond;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[right.length] as number;
}
