import type { ProviderId } from '../config.js';
import { messageOf } from '../errors.js';
import type { Jobs } from '../jobs/service.js';
import { BodyTooLarge, readBody, TooManyBodies } from './body.js';
import { answer, type Exchange, refuse } from './exchange.js';
import type { Links } from './links.js';

/**
 * What providers call when a job has ended. The URL carries the job's id and a seal that nobody can guess, so a
 * callback finds a job whose submit got no answer; what it says is believed only as far as the provider proves it.
 * Duplicates, early, late and forged ones change nothing.
 */

export const WEBHOOK_PATH = /^\/webhooks\/(fal|pixazo)\/(job_[0-9a-z]{26})\.([\w-]{43})$/;

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Providers give up on a slow receiver, and come again. */
const WITHIN_MS = 10_000;

/** Where this provider may call about this job; `undefined` when it cannot reach us or does not call. */
export function callbackUrl(
  links: Links,
  publicUrl: string | undefined,
  provider: ProviderId,
  jobId: string,
): string | undefined {
  if (publicUrl === undefined || (provider !== 'fal' && provider !== 'pixazo')) return undefined;
  return `${publicUrl}/webhooks/${provider}/${jobId}.${links.seal(`${provider} ${jobId}`)}`;
}

export async function receiveCallback(
  exchange: Exchange,
  { jobs, links }: { jobs: Jobs; links: Links },
  [, provider = '', jobId = '', seal = '']: RegExpExecArray,
): Promise<void> {
  const { request, log, id } = exchange;
  if ((provider !== 'fal' && provider !== 'pixazo') || !links.isSealed(`${provider} ${jobId}`, seal)) {
    // As if it were not there: whoever guesses learns nothing.
    refuse(exchange, 404, 'There is nothing here; the MCP endpoint is /mcp.');
    return;
  }
  let body: Buffer;
  try {
    body = await readBody(exchange, MAX_BODY_BYTES);
  } catch (error) {
    if (error instanceof BodyTooLarge) refuse(exchange, 413, 'The callback is too long.');
    else if (error instanceof TooManyBodies) refuse(exchange, 503, 'Too much is being sent at once.');
    else throw error;
    return;
  }
  try {
    const callback = { headers: request.headers, body };
    const why = await jobs.callback(provider, jobId, callback, AbortSignal.timeout(WITHIN_MS));
    if (why === undefined) {
      answer(exchange, 200, { status: 'ok' });
      return;
    }
    log.warn('a callback was not believed', { id, job: jobId, provider, why });
    refuse(exchange, 401, 'The callback is not signed as it should be.');
  } catch (error) {
    log.warn('a callback could not be checked', { id, job: jobId, provider, error: messageOf(error) });
    refuse(exchange, 503, 'The callback cannot be checked now; send it again.', { 'retry-after': '30' });
  }
}
