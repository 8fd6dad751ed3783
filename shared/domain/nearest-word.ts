// What a person may have meant by a word that is not known.

/** Longest word that is compared, in UTF-16 units: the work grows with its square. */
const WORD_LENGTH_MAX = 64;
/** Letters that may differ. */
const DISTANCE_MAX = 2;

/** Letters that must change to make one word of the other (Levenshtein's distance). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 0; at < one.length; at += 1) {
    const next = [at + 1];
    for (let against = 0; against < other.length; against += 1) {
      const change = one[at] === other[against] ? 0 : 1;
      const cheapest = Math.min(row[against + 1] ?? 0, next[against] ?? 0) + 1;
      next.push(Math.min(cheapest, (row[against] ?? 0) + change));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The first known word that differs in at most two letters, capitals aside; undefined when none does. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const wanted = word.slice(0, WORD_LENGTH_MAX).toLowerCase();
  return known.find((candidate) => distance(candidate.toLowerCase(), wanted) <= DISTANCE_MAX);
}
