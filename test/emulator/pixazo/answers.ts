import type { Dialect } from '../common/actions.js';
import type { Reply } from '../common/exchange.js';
import { jsonReply, textReply } from '../common/exchange.js';
import type { Settings } from './settings.js';

/** Refusals in the words of the documents, where they have any. */

/** The shape that is documented for 400 and 402. */
export function refused(status: number, error: string, message: string): Reply {
  return jsonReply(status, { error, message });
}

const TITLES: Readonly<Record<number, [error: string, message: string]>> = {
  400: ['Bad Request', 'The request could not be understood.'],
  401: [
    'Unauthorized',
    'Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.',
  ],
  402: ['Insufficient Balance', 'Your wallet does not have enough balance.'],
  403: ['Forbidden', 'You are not allowed to use this model.'],
  404: ['Not Found', 'Resource not found'],
  429: ['Too Many Requests', 'Rate limit is exceeded. Try again later.'],
  500: ['Internal Server Error', 'An unexpected error occurred.'],
};

/**
 * A status without a documented body: as the documented ones look, as API gateways write it (the key's header is
 * that of a well-known one), or nothing at all.
 */
export function listedStatus(
  status: number,
  style: Settings['refusalBodies'],
  message = TITLES[status]?.[1] ?? 'An unexpected error occurred.',
): Reply {
  if (style === 'empty') return { status };
  if (style === 'gateway') return jsonReply(status, { statusCode: status, message });
  return refused(status, TITLES[status]?.[0] ?? 'Error', message);
}

/** @returns undefined when the key is one of those that are known */
export function checkKey(key: string | undefined, { keys, refusalBodies }: Settings): Reply | undefined {
  if (key === undefined || key === '') {
    return listedStatus(
      401,
      refusalBodies,
      'Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.',
    );
  }
  return keys.includes(key) ? undefined : listedStatus(401, refusalBodies);
}

export type RefusalKind = 'no-balance' | 'model-disabled' | 'bad-request' | 'forbidden' | 'internal';

export function refusalOf(kind: RefusalKind, style: Settings['refusalBodies']): Reply {
  switch (kind) {
    case 'no-balance':
      return refused(402, 'Insufficient Balance', 'Your wallet does not have enough balance.');
    case 'model-disabled':
      return refused(400, 'Model not found', "Model 'pixal3d' not found or is disabled");
    case 'bad-request':
      return refused(400, 'Bad Request', 'image_url is not a valid URL');
    case 'forbidden':
      return listedStatus(403, style);
    default:
      return listedStatus(500, style);
  }
}

export function insecureWebhook(style: Settings['webhookRefusalBody']): Reply {
  if (style === 'empty') return { status: 400 };
  if (style === 'html') return textReply(400, '<html><body>400 Bad Request</body></html>', 'text/html');
  return refused(400, 'Bad Request', 'X-Webhook-URL must be an HTTPS URL');
}

export function pixazoDialect(settings: Settings): Dialect {
  return {
    throttled: () => listedStatus(429, settings.refusalBodies),
    broken: (status) => listedStatus(status, settings.refusalBodies),
    refused: (kind, reason) =>
      kind === 'locked'
        ? listedStatus(403, settings.refusalBodies, reason)
        : listedStatus(401, settings.refusalBodies),
    redirectTarget: (to) => to,
  };
}
