import type { Dialect } from '../common/actions.js';
import type { Reply } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import type { FieldError } from './validate.js';

/** The queue's and the platform's own replies, in the words of the documents. */

export function modelErrors(status: number, errors: readonly FieldError[]): Reply {
  return jsonReply(
    status,
    { detail: errors.map((error) => ({ ...error })) },
    { 'x-fal-billable-units': '0', 'x-fal-retryable': 'false' },
  );
}

/** An infrastructure error: a text and a machine-readable type, the latter also as a header. */
export function requestError(
  status: number,
  detail: string,
  errorType: string,
  headers: Record<string, string> = {},
): Reply {
  return jsonReply(status, { detail, error_type: errorType }, { 'x-fal-error-type': errorType, ...headers });
}

export function pathNotFound(path: string): Reply {
  return jsonReply(404, { detail: `Path ${path} not found` }, { 'x-fal-billable-units': '0' });
}

export function tooManyRequests(): Reply {
  return requestError(429, 'Too many concurrent requests', 'concurrent_requests_limit', {
    'x-fal-needs-retry': '1',
  });
}

export function refusedKey(
  kind: 'unknown-key' | 'bad-header' | 'locked',
  reason = 'Exhausted balance',
): Reply {
  if (kind === 'locked') return jsonReply(403, { detail: `User is locked. Reason: ${reason}.` });
  if (kind === 'unknown-key') return jsonReply(401, { detail: 'No user found for Key ID and Secret' });
  return jsonReply(401, {
    detail: 'Invalid Authorization header format. Expected "Key <key_id>:<key_secret>"',
  });
}

/** @returns undefined when the key is one of `keys` */
export function checkKey(authorization: string | undefined, keys: readonly string[]): Reply | undefined {
  const key = /^Key (\S+:\S+)$/.exec(authorization ?? '')?.[1];
  if (key === undefined) return refusedKey('bad-header');
  return keys.includes(key) ? undefined : refusedKey('unknown-key');
}

const INFRASTRUCTURE: Readonly<Record<number, [detail: string, type: string]>> = {
  499: ['Request was cancelled by the client', 'client_cancelled'],
  500: ['Internal server error', 'internal_error'],
  502: ['The runner sent an incomplete response', 'runner_incomplete_response'],
  503: ['No runner could be allocated to handle the request', 'runner_scheduling_failure'],
  504: ['Request timed out', 'request_timeout'],
};

/** The usual infrastructure error of a status. */
export function infrastructureError(status: number): Reply {
  const [detail, type] = INFRASTRUCTURE[status] ?? ['An unexpected error occurred', 'internal_error'];
  return requestError(status, detail, type);
}

/** @param redirectTarget where `mirror`, `private` or a URL leads */
export function falDialect(redirectTarget: (to: string) => string): Dialect {
  return { throttled: tooManyRequests, broken: infrastructureError, refused: refusedKey, redirectTarget };
}
