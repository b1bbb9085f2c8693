/** The one of the words that is meant, if it is one or two slips away. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(2, word.length - 1);
  for (const candidate of words) {
    const slips = distance(word, candidate);
    if (slips > least || (slips === least && best !== undefined)) continue;
    best = candidate;
    least = slips;
  }
  return best ?? words.find((candidate) => word.length > 1 && candidate.startsWith(word));
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
