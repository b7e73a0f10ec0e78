import { KEY_NAMES } from '../config.js';
import { httpStatusOf } from '../providers/fetch-errors.js';
import { type Provider, ProviderFailure } from '../providers/provider.js';
import type { Job } from '../store/types.js';
import { isDenied } from './collect.js';

/** A job whose provider is asked with another key than the one that bought it, and so perhaps for another account. */

/** How long such a job is kept. */
const OTHER_KEY_MS = 72 * 3_600_000;

/**
 * Whether this key may be another account's than the one that bought the job: what it is denied under it may be there.
 *
 * @returns what to do about it, in a clause
 */
export function underOtherKey({ attempt }: Job, { title, id, keyMark }: Provider): string | undefined {
  return attempt?.keyMark === undefined || attempt.keyMark === keyMark
    ? undefined
    : `the key of ${title} that is set now is another than the one it was bought with; set that one again (${KEY_NAMES[id]})`;
}

/** What is denied under another key than the job was bought with proves nothing, as long as that key may come back. */
export function deniedUnderOtherKey(job: Job, provider: Provider, error: unknown): string | undefined {
  const denied = error instanceof ProviderFailure ? error.kind === 'expired' : isDenied(httpStatusOf(error));
  const isYoung = Date.now() - (job.startedAt ?? job.createdAt) < OTHER_KEY_MS;
  return denied && isYoung ? underOtherKey(job, provider) : undefined;
}
