import { isRecord } from '../../src/json.js';
import type { Reply } from '../../src/providers/call-error.js';
import { SubmitError } from '../../src/providers/provider.js';
import { refusalOf, type Refusals } from '../../src/providers/turned-down.js';
import { hold, readable } from './target.js';

/** A secret that must come out nowhere, known to the redactor. */
export const SECRET = 'fuzz-key-0123456789abcdef';

const STATUSES = [400, 401, 402, 403, 404, 405, 413, 422, 429, 499, 500, 503, 504] as const;

/** What every provider's refusals promise, whatever their body is. */
export function holdRefusals(text: string, refusals: Refusals): void {
  const header = text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '');
  for (const status of STATUSES) {
    const headers = { 'retry-after': header, 'x-fal-error-type': header, 'x-fal-billable-units': header };
    const refusal = refusalOf({ status, headers, text } satisfies Reply, refusals);
    if (!refusal) {
      hold(status >= 499, `HTTP ${status} proves that nothing was accepted`);
      continue;
    }
    hold(refusal instanceof SubmitError && refusal.outcome !== 'unclear', 'a refusal is clear');
    readable(refusal.message);
    hold(refusal.message.length < 2500, `a refusal has ${refusal.message.length} characters`);
    hold(!refusal.message.includes(SECRET), 'a key was shown');
    const wait = refusal.retryAfterMs;
    hold(wait === undefined || (wait >= 0 && Number.isFinite(wait)), `wait ${wait} ms`);
  }
}

/** URLs that are called with the key lead to where they should, whatever was answered. */
export function holdOrigin(urls: readonly (URL | string | undefined)[], base: string): void {
  for (const url of urls) {
    if (url === undefined) continue;
    hold(new URL(url).origin === new URL(base).origin, `the key would go to ${new URL(url).origin}`);
  }
}

export function recordIn(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
