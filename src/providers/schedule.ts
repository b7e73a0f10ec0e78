export { backoffMs, pollWaitMs, retryAfterMs } from './fal/schedule.js';
