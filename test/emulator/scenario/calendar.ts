/**
 * When an asset URL that is made at `now` ends: days 1 to 7 of a month on the 14th, 8 to 14 on the 21st, 15 to 21 at the
 * end of the month, 22 to 31 on the 7th of the next one; taken as the end of that day, UTC.
 *
 * @returns milliseconds since 1970
 */
export function urlExpiry(now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (day <= 7) return Date.UTC(year, month, 15);
  if (day <= 14) return Date.UTC(year, month, 22);
  if (day <= 21) return Date.UTC(year, month + 1, 1);
  return Date.UTC(year, month + 1, 8);
}
