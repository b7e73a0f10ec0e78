import { messageOf } from '../../errors.js';
import { CallError } from '../call-error.js';
import { SubmitError } from '../provider.js';
import { inWords, type Refusals, turnedDown } from '../turned-down.js';
import { complaintOf } from './complaint.js';

/** @param sent whether anything may have reached fal */
export function submitErrorOf(error: unknown, model: string, sent: boolean): SubmitError {
  if (error instanceof CallError) return turnedDown(error, refusals(model));
  return sent
    ? new SubmitError('unclear', 'fal answered something that cannot be read', { cause: error })
    : new SubmitError('refused', messageOf(error), { cause: error });
}

/** What fal's refusals mean. */
export function refusals(model: string): Refusals {
  return {
    title: 'fal',
    complaint: complaintOf,
    advice: ({ status }, words, waitMs) => sentenceOf(status, words, model, waitMs),
  };
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
      return `fal takes no more jobs of this account at present: ${words}. Call again ${inWords(waitMs)}.`;
    default:
      return undefined;
  }
}

export function isLock(words: string): boolean {
  return /\block/i.test(words);
}
