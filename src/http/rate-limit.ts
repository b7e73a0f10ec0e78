/**
 * How many requests one principal may send: a bucket of tokens that fills again. Generous, for it is there to keep a
 * runaway loop of one caller from the others, not to ration anybody.
 */

const PER_SECOND = 100;
const BURST = 1_000;

export class RateLimit {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /**
   * Takes one.
   *
   * @param now - milliseconds
   * @returns 0, or the seconds after which there is one again
   */
  take(name: string, now = performance.now()): number {
    const bucket = this.#buckets.get(name) ?? { tokens: BURST, at: now };
    bucket.tokens = Math.min(BURST, bucket.tokens + ((now - bucket.at) / 1000) * PER_SECOND);
    bucket.at = now;
    this.#buckets.set(name, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / PER_SECOND));
    bucket.tokens -= 1;
    return 0;
  }
}
