import { messageOf } from '../errors.js';
import { bare, CallError, type Reply, retryAfterOf } from './call-error.js';
import { wordsOf } from './json-api.js';
import { SubmitError } from './provider.js';

/** Statuses that speak of the request itself: it was looked at and not taken. */
const REJECTED: ReadonlySet<number> = new Set([400, 405, 406, 411, 413, 414, 415, 422, 431]);
/** Statuses that prove that no job was made and say nothing against the request. */
const REFUSED: ReadonlySet<number> = new Set([401, 402, 403, 404, 429]);

/** What a provider's refusals mean, in its own terms. */
export interface Refusals {
  /** The provider's name for people. */
  title: string;
  /** What a refusal means and what to do; undefined where nothing is known beyond the provider's words. */
  advice: (reply: Reply, words: string, waitMs: number | undefined) => string | undefined;
  /** When it will take jobs again, where the provider says so in the body. Milliseconds. */
  waitMs?: (reply: Reply) => number | undefined;
  /** The provider's own words, and the input that they speak of; `wordsOf` where it has no shape of its own. */
  complaint?: (reply: Reply) => { message: string | undefined; field?: string | undefined };
}

/**
 * What a failed submit means for the user's money. Only what proves that no job was made counts as a refusal:
 * after a reset, a time-out or a 5xx there may be one, and it may be charged.
 */
export function turnedDown(error: unknown, refusals: Refusals): SubmitError {
  const { title } = refusals;
  if (error instanceof SubmitError) return error;
  if (!(error instanceof CallError)) return new SubmitError('unclear', messageOf(error), { cause: error });
  if (!error.sent) {
    return new SubmitError(
      'refused',
      `${title} could not be reached: ${bare(error.message)}. Nothing was sent. Check the network, then call again.`,
      { cause: error },
    );
  }
  const refusal = error.reply && refusalOf(error.reply, refusals);
  return refusal ?? new SubmitError('unclear', error.message, { cause: error });
}

/** A refusal that proves that nothing was accepted; undefined for every other answer. */
export function refusalOf(reply: Reply, refusals: Refusals): SubmitError | undefined {
  const { title, advice, waitMs, complaint = plainComplaint } = refusals;
  const { status } = reply;
  const { message, field } = complaint(reply);
  const words = bare(message ?? `HTTP ${status}`);
  const wait = waitMs?.(reply) ?? retryAfterOf(reply);
  const sentence = advice(reply, words, wait);
  if (REJECTED.has(status)) {
    return new SubmitError('rejected', sentence ?? `${title} refused the input: ${words}.`, {
      field,
      status,
    });
  }
  if (!REFUSED.has(status)) return undefined;
  return new SubmitError('refused', sentence ?? `${title} refused the job: ${words}.`, {
    retryAfterMs: wait,
    status,
  });
}

function plainComplaint(reply: Reply): { message: string | undefined; field?: string } {
  return { message: wordsOf(reply) };
}

/** `in 7 s` */
export function inWords(waitMs: number | undefined): string {
  return waitMs === undefined ? 'in a minute' : `in ${Math.ceil(waitMs / 1000)} s`;
}
