import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { headerOf } from '../common/exchange.js';
import { parseJson } from '../common/json.js';

/** How long a file lives and who may read it, as a client asked for it. */
export interface Lifecycle {
  /** Seconds; none: kept for good. */
  seconds?: number | undefined;
  access: 'allow' | 'forbid' | 'hide';
}

const schema = z.object({
  expiration_duration_seconds: z.number().optional(),
  initial_acl: z.object({ default: z.enum(['allow', 'forbid', 'hide']).optional() }).optional(),
});

/** The JavaScript client and the documents use different names for the same header; both count. */
export function lifecycleOf(headers: IncomingHttpHeaders): Lifecycle {
  const text =
    headerOf(headers, 'x-fal-object-lifecycle-preference') ??
    headerOf(headers, 'x-fal-object-lifecycle') ??
    '{}';
  const { data } = schema.safeParse(parseJson(text));
  return { seconds: data?.expiration_duration_seconds, access: data?.initial_acl?.default ?? 'allow' };
}
