import { messageOf } from '../../errors.js';
import { SubmitError } from '../provider.js';
import { bare, CallError, type Reply, headerOf } from '../call-error.js';
import { complaintOf } from './complaint.js';
import { retryAfterMs } from '../schedule.js';

/** Statuses that speak of the request itself: fal has looked at it and did not take it. */
const REJECTED: ReadonlySet<number> = new Set([400, 405, 406, 411, 413, 414, 415, 422, 431]);

/**
 * What a failed submit means for the user's money. Only what proves that no job was made counts as a refusal:
 * after a reset, a time-out or a 5xx there may be one, and it may be charged.
 *
 * @param sent whether anything may have reached fal
 */
export function submitErrorOf(error: unknown, model: string, sent: boolean): SubmitError {
  if (!(error instanceof CallError)) {
    return sent
      ? new SubmitError('unclear', 'fal answered something that cannot be read', { cause: error })
      : new SubmitError('refused', messageOf(error), { cause: error });
  }
  if (!error.sent) return notSent(error);
  const { reply } = error;
  if (!reply) return new SubmitError('unclear', error.message, { cause: error });
  return refusalOf(reply, model) ?? new SubmitError('unclear', error.message, { cause: error });
}

/** A refusal that proves that nothing was accepted; undefined for every other answer. */
export function refusalOf(reply: Reply, model: string): SubmitError | undefined {
  const { status } = reply;
  const { message, field } = complaintOf(reply);
  const words = bare(message ?? `HTTP ${status}`);
  if (REJECTED.has(status)) {
    return new SubmitError('rejected', `fal refused the input: ${words}.`, { field, status });
  }
  const wait = retryAfterMs(headerOf(reply, 'retry-after'));
  const sentence = sentenceOf(status, words, model, wait);
  return sentence === undefined
    ? undefined
    : new SubmitError('refused', sentence, { retryAfterMs: wait, status });
}

const ADD_CREDIT = 'Add credit at https://fal.ai/dashboard/billing, then call again.';

function sentenceOf(
  status: number,
  words: string,
  model: string,
  waitMs: number | undefined,
): string | undefined {
  switch (status) {
    case 401:
      return `fal does not know the key in FAL_KEY: ${words}. Set it to the whole "id:secret" of an active key from https://fal.ai/dashboard/keys.`;
    case 402:
      return `fal asks for payment: ${words}. ${ADD_CREDIT}`;
    case 403:
      return isLock(words)
        ? `fal has locked the account: ${words}. ${/balance|payment|top.?up|budget/i.test(words) ? ADD_CREDIT : 'See https://fal.ai/dashboard.'}`
        : `fal does not let this key use ${model}: ${words}. See https://fal.ai/dashboard/keys.`;
    case 404:
      return `fal no longer lists this model (${model}): ${words}. Call list_models and use another one.`;
    case 429:
      return `fal takes no more jobs of this account at present: ${words}. Call again ${waitMs === undefined ? 'in a minute' : `in ${Math.ceil(waitMs / 1000)} s`}.`;
    default:
      return undefined;
  }
}

export function isLock(words: string): boolean {
  return /\block/i.test(words);
}

function notSent(error: CallError): SubmitError {
  const message = `fal could not be reached: ${bare(error.message)}. Nothing was sent. Check the network, then call again.`;
  return new SubmitError('refused', message, { cause: error });
}
