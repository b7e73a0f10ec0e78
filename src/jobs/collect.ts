import { deadline } from '../deadline.js';
import { MeshwrightError, messageOf } from '../errors.js';
import type { Json } from '../json.js';
import { redact } from '../log.js';
import { PassingRefusal } from '../providers/address.js';
import { httpStatusOf } from '../providers/fetch-errors.js';
import { type Provider, type ProviderContext, ProviderFailure } from '../providers/provider.js';
import type { Job, JobError } from '../store/types.js';
import type { Route } from './model.js';
import type { Settled } from './settle.js';

/** The files of a job that is done at its provider, also when the links to them have expired meanwhile. */

export type Settle = (
  job: Job,
  route: Route,
  files: readonly Uint8Array[],
  signal: AbortSignal,
) => Promise<Settled>;

/** Results without a model are believed after so many, and so long after the end. */
const EMPTY_ATTEMPTS = 4;
const EMPTY_FOR_MS = 60_000;
/**
 * A provider that does not answer must not keep a job from being tried again; longer than any of them is asked before
 * a denial is believed.
 */
const REFRESH_DEADLINE_MS = 120_000;
/** Files that are not there stay away: after so many attempts and so long after the submit nobody waits for them. */
const MAX_ATTEMPTS = 8;
const GIVE_UP_AFTER_MS = 15 * 60_000;
/** Files that nobody says are gone are tried for so long, and so often: a machine may have been off for days. */
const KEEP_TRYING_MS = 72 * 3_600_000;
const KEEP_TRYING_ATTEMPTS = 20;

/**
 * Links expire, so when one is denied the result is read again, once, and with it the links.
 *
 * @throws ProviderFailure when there is nothing to be had any more
 * @throws MeshwrightError when it may be tried again later
 */
export async function collect(
  settle: Settle,
  job: Job,
  route: Route,
  provider: Provider,
  context: ProviderContext,
): Promise<Settled> {
  const { operation = null } = job;
  const { signal } = context;
  const files = provider.repeatable ? ((await provider.result(operation, context)).files ?? []) : [];
  try {
    return await settle(job, route, files, signal);
  } catch (error) {
    const status = httpStatusOf(error);
    // A result without a model may be what something in between made of it.
    const isEmpty = error instanceof ProviderFailure;
    if (provider.repeatable || !(isDenied(status) || isEmpty)) throw error;
    try {
      const body = await refreshed(job, provider, context, error);
      return await settle({ ...job, result: body }, route, files, signal);
    } catch (again) {
      if (isEmpty && again instanceof ProviderFailure && !isBelieved(job)) throw emptyYet(again);
      throw isGone(httpStatusOf(again)) && isHopeless(job) ? goneFor(job, again) : again;
    }
  }
}

async function refreshed(
  job: Job,
  provider: Provider,
  context: ProviderContext,
  denial: unknown,
): Promise<Json> {
  const within = deadline(REFRESH_DEADLINE_MS, context.signal);
  try {
    const { body } = await provider.result(job.operation ?? null, { ...context, signal: within.signal });
    context.log.info('the links to the files of a job were read again', { job: job.id });
    return body;
  } catch (error) {
    context.log.warn('the links to the files of a job cannot be read again', {
      job: job.id,
      error: messageOf(error),
    });
    // Neither the file nor the result is there. A 403 alone may come from something in between, such as a proxy.
    if (error instanceof ProviderFailure && isGone(httpStatusOf(denial))) throw error;
    throw denial;
  } finally {
    within.end();
  }
}

/** Statuses with which a file or a job is refused to whoever asks. */
export function isDenied(status: number | undefined): boolean {
  return status === 401 || status === 403 || isGone(status);
}

function isGone(status: number | undefined): boolean {
  return status === 404 || status === 410;
}

function isBelieved(job: Job): boolean {
  return job.storeAttempts >= EMPTY_ATTEMPTS && sinceDone(job) > EMPTY_FOR_MS;
}

function emptyYet(cause: ProviderFailure): MeshwrightError {
  return new MeshwrightError('download_failed', cause.message, { retryable: true, cause });
}

function isHopeless(job: Job): boolean {
  return job.storeAttempts >= MAX_ATTEMPTS && sinceDone(job) > GIVE_UP_AFTER_MS;
}

function sinceDone({ completedAt, startedAt, createdAt }: Job): number {
  return Date.now() - (completedAt ?? startedAt ?? createdAt);
}

function goneFor(job: Job, error: unknown): ProviderFailure {
  return new ProviderFailure(
    'expired',
    `The job was done at ${job.provider}, but its files are not there any more: ${messageOf(error)} ` +
      'It was probably charged; set force_new to buy it again.',
    { charged: chargedOf(job), cause: error },
  );
}

/** What is known of the charge for a job that its provider has done. */
export function chargedOf({ provider, billedUnits, billedUsd }: Job): JobError['charged'] {
  if (provider === 'local') return 'no';
  const billed = billedUsd ?? billedUnits;
  return billed === undefined ? 'unknown' : billed > 0 ? 'yes' : 'no';
}

/** Of an attempt to bring the files in; `retryable` when there will be another one. */
export function storeError(job: Job, error: unknown): JobError {
  const free = job.provider === 'local';
  const retryable = free ? mayPass(error) : isWorthTrying(job, error);
  const done = free ? 'The model is made' : `Done at ${job.provider}`;
  const missing = retryable ? 'are not here yet' : 'could not be stored';
  return {
    code: error instanceof MeshwrightError ? error.code : 'download_failed',
    message: `${done}, but its files ${missing}: ${redact(messageOf(error))}`,
    retryable,
    charged: chargedOf(job),
  };
}

/**
 * What was paid for is not given up for a fault that may lie here: no network, a proxy, a full disk, a wrong clock.
 * Only its own size and the time speak against it.
 */
function isWorthTrying(job: Job, error: unknown): boolean {
  if (error instanceof MeshwrightError && error.code === 'storage') return true;
  if (staysWrong(error)) return false;
  return sinceDone(job) < KEEP_TRYING_MS || job.storeAttempts < KEEP_TRYING_ATTEMPTS;
}

/** Of a file that is refused for itself: another attempt would be refused as well. */
export function staysWrong(error: unknown): boolean {
  if (!(error instanceof MeshwrightError)) return false;
  // An address that is forbidden as it is written stays so; what a name leads to may be another one tomorrow.
  const forbidden = error.code === 'url_refused' && !(error.cause instanceof PassingRefusal);
  return forbidden || error.code === 'too_large';
}

/** The network, the disk and expired links recover; what is wrong with the answer itself stays wrong. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof MeshwrightError)) return true;
  return error.retryable || httpStatusOf(error) !== undefined || ['storage', 'timeout'].includes(error.code);
}
