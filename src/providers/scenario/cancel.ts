import { MeshwrightError, messageOf } from '../../errors.js';
import { CallError } from '../call-error.js';
import type { Clock } from '../clock.js';
import { below, type JsonApi } from '../json-api.js';
import { untilAnswered } from '../poll.js';
import type { CancelOutcome } from '../provider.js';
import { readJob, type ScenarioJob } from './job.js';

const TRIES = 4;
/** How often the job is looked at after a cancel that was taken, and the pause between. */
const LOOKS = 3;
const LOOK_MS = 1_000;

export interface CancelDeps {
  api: JsonApi;
  clock: Clock;
  /** Base URL. */
  url: string;
}

/**
 * Asks Scenario to cancel, and answers what that did. Most models cannot be cancelled, which is a 400; and a cancel
 * that was taken proves nothing: only the state that is read afterwards counts.
 *
 * @throws MeshwrightError `provider_unreachable` when Scenario did not answer
 */
export async function cancel(
  { api, clock, url: base }: CancelDeps,
  jobId: string,
  signal: AbortSignal,
): Promise<CancelOutcome> {
  const path = `/jobs/${jobId}`;
  const call = {
    method: 'POST',
    url: below(base, `${path}/action`),
    body: { action: 'cancel' },
    signal,
  } as const;
  let taken = true;
  let known = true;
  try {
    await untilAnswered(() => api.call(call), { signal }, { clock, tries: TRIES });
  } catch (error) {
    signal.throwIfAborted();
    const status = error instanceof CallError ? error.reply?.status : undefined;
    if (status === undefined || ![400, 404, 405, 409, 422].includes(status)) throw unreachable(error);
    taken = false;
    known = status !== 404;
  }
  for (let looks = 1; ; looks++) {
    const state = await stateOf(api, below(base, path), signal);
    if (state === 'canceled') return 'removed';
    if (state === 'success' || state === 'failure') return 'finished';
    // A job that it does not know, neither so nor so, is not there to be cancelled.
    if (!taken) return known || state !== undefined ? 'unsupported' : 'finished';
    if (looks === LOOKS) return 'running';
    await clock.sleep(LOOK_MS, signal);
  }
}

async function stateOf(
  api: JsonApi,
  url: URL,
  signal: AbortSignal,
): Promise<ScenarioJob['state'] | undefined> {
  try {
    return readJob((await api.call({ url, signal })).value)?.state;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CallError) return undefined;
    throw error;
  }
}

function unreachable(error: unknown): MeshwrightError {
  return new MeshwrightError(
    'provider_unreachable',
    `Scenario did not take the cancellation: ${messageOf(error)}. The job goes on; call cancel_job again.`,
    { retryable: true, charged: 'unknown', cause: error },
  );
}
