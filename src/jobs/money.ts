/** `$0.42`, `$0.016`, `$1,200.00`: cents, and as many places more as a price of less than a cent needs. */
export function dollars(usd: number): string {
  return usd.toLocaleString('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
  });
}

/** Whether one sum in US dollars is more than another: what binary fractions leave over is no money. */
export function isMore(usd: number, than: number): boolean {
  return Math.round(usd * 1e6) > Math.round(than * 1e6);
}
