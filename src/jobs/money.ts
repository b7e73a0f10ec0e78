/** `$0.42`, `$0.016`, `$1,200.00`: cents, and as many places more as a price of less than a cent needs. */
export function dollars(usd: number): string {
  return usd.toLocaleString('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
  });
}

/** A sum without what binary fractions leave over, to the millionth. */
export function withoutDust(sum: number): number {
  return Math.round(sum * 1e6) / 1e6;
}

/** Whether one sum in US dollars is more than another by more than such dust. */
export function isMore(usd: number, than: number): boolean {
  return withoutDust(usd) > withoutDust(than);
}
