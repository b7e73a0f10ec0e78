/** When to ask a provider again. */

/** fal may ask for a longer pause than this; a result of 10 KB or more is kept for six minutes only. */
const MAX_RETRY_AFTER_MS = 120_000;
const MAX_BACKOFF_MS = 30_000;

/** Just under what sees nine of ten ends within a second. */
const LEAST_POLL_MS = 1_050;
const MOST_POLL_MS = 30_000;
/** Share of a job's age: nine of ten ends are then seen within 4 % of the job's length. */
const POLL_SHARE = 0.042;
/** While an end is unlikely: still often enough to tell the place in the queue. */
const EARLY_POLL_MS = 5_000;
const EARLY_SHARE = 0.6;
const MOST_EARLY_MS = 12_000;
/** For a model of which nothing is known. */
const UNKNOWN_EARLY_POLL_MS = 3_000;
const UNKNOWN_TYPICAL_MS = 20_000;

/**
 * How long to wait before the next look at a job that is not done: seldom while it cannot be done yet, then often
 * enough to see its end within a second or 4 % of its length.
 *
 * @param ageMs time since the job was submitted
 * @param typicalMs how long jobs of this model take, if that is known
 */
export function pollWaitMs(ageMs: number, typicalMs?: number): number {
  const early = Math.min(MOST_EARLY_MS, (typicalMs ?? UNKNOWN_TYPICAL_MS) * EARLY_SHARE) - ageMs;
  const earlyPoll = typicalMs === undefined ? UNKNOWN_EARLY_POLL_MS : EARLY_POLL_MS;
  if (early > 0) return Math.min(earlyPoll, Math.max(LEAST_POLL_MS, early));
  return Math.min(MOST_POLL_MS, Math.max(LEAST_POLL_MS, ageMs * POLL_SHARE));
}

/** Doubles from a quarter of a second to half a minute, spread so that many jobs do not come back at once. */
export function backoffMs(failures: number, leastMs = 250): number {
  const wait = Math.min(MAX_BACKOFF_MS, leastMs * 2 ** Math.min(20, failures - 1));
  return wait * (0.75 + Math.random() / 2);
}

/**
 * `Retry-After` in milliseconds from now, capped; undefined when it is missing or says nothing.
 *
 * @param header seconds or an HTTP date
 */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1000;
  return cappedMs(wait);
}

/** A time to wait that somebody else named, within what we are ready to; undefined when it is no number. */
export function cappedMs(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}
