/** Names longer than this are compared by their beginnings. */
const MAX_LENGTH = 120;

/**
 * The item whose name takes the fewest changed, added or missing letters to be the given one.
 *
 * @param namesOf what an item may be called
 * @param most how many letters may be other; what is further off is no slip of the pen
 */
export function nearest<Item>(
  name: string,
  items: readonly Item[],
  namesOf: (item: Item) => readonly string[],
  most = Infinity,
): Item | undefined {
  let best: { item: Item; changes: number } | undefined;
  for (const item of items) {
    const changes = Math.min(...namesOf(item).map((known) => editDistance(name, known)));
    if (changes <= most && (!best || changes < best.changes)) best = { item, changes };
  }
  return best?.item;
}

/** Levenshtein distance without regard to case, one row of the table at a time. */
function editDistance(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.slice(0, MAX_LENGTH).toLowerCase());
  let above = Array.from({ length: (b?.length ?? 0) + 1 }, (_, i) => i);
  for (const [i, letter] of Array.from(a ?? '').entries()) {
    const row = [i + 1];
    for (const [j, known] of Array.from(b ?? '').entries()) {
      const kept = (above[j] ?? 0) + (letter === known ? 0 : 1);
      row.push(Math.min(kept, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}
