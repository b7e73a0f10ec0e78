/**
 * How much of the server one principal may have: requests in a time, from a bucket that fills again, and requests that
 * are open at once. Generous, for it is there to keep a runaway loop of one caller from the others, not to ration
 * anybody.
 */

const PER_SECOND = 100;
const BURST = 1_000;
const MOST_OPEN = 1_000;
/** More callers than this are not remembered without a reason. */
const MANY = 10_000;

interface Share {
  tokens: number;
  /** When the bucket was filled last, milliseconds. */
  at: number;
  open: number;
}

/** Why a request has to wait, and for how many seconds. */
export interface Wait {
  why: string;
  seconds: number;
}

export class RateLimit {
  readonly #shares = new Map<string, Share>();

  /**
   * Lets a request begin, or says why it has to wait.
   *
   * @param now - milliseconds
   */
  begin(name: string, now = performance.now()): Wait | undefined {
    const share = this.#shares.get(name) ?? { tokens: BURST, at: now, open: 0 };
    share.tokens = Math.min(BURST, share.tokens + ((now - share.at) / 1000) * PER_SECOND);
    share.at = now;
    if (this.#shares.size >= MANY) this.#forget(now);
    this.#shares.set(name, share);
    if (share.tokens < 1) {
      const seconds = Math.max(1, Math.ceil((1 - share.tokens) / PER_SECOND));
      return { why: `Too many requests in a short time; call again in ${seconds} s.`, seconds };
    }
    if (share.open >= MOST_OPEN) {
      return { why: `${MOST_OPEN} of your requests are open already; let some of them end.`, seconds: 5 };
    }
    share.tokens -= 1;
    share.open += 1;
    return undefined;
  }

  /** A request that was let begin is over. */
  end(name: string): void {
    const share = this.#shares.get(name);
    if (share) share.open -= 1;
  }

  /** A full bucket of somebody who has nothing open says nothing. */
  #forget(now: number): void {
    for (const [name, { tokens, at, open }] of this.#shares) {
      if (open === 0 && tokens + ((now - at) / 1000) * PER_SECOND >= BURST) this.#shares.delete(name);
    }
  }
}
