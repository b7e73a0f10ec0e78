import { type FalReply, headerOf } from './fal/call-error.js';
import { retryAfterMs } from './schedule.js';

export { bare, FalCallError as CallError, type FalReply as Reply, headerOf } from './fal/call-error.js';

/** How long a reply asks to be left alone, in milliseconds, capped; undefined when it says nothing of it. */
export function retryAfterOf(reply: FalReply | undefined): number | undefined {
  return reply && retryAfterMs(headerOf(reply, 'retry-after'));
}
