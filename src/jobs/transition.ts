import {
  type Asset,
  type Job,
  type JobChange,
  type JobError,
  LONGEST_LEASE_MS,
  type Lost,
} from '../store/types.js';
import type { Json, JsonObject } from '../json.js';
import type { CancelOutcome, ProviderStatus } from '../providers/provider.js';

/**
 * A job's life as one pure function. Events may come in any order, from any process, more than once: an event
 * that does not fit the state the job is in answers `undefined` and changes nothing. The rules that matter:
 * only the winner of `claim` may submit; an operation is bound once and never lost; an end is final, but for
 * `unconfirmed`, which evidence may turn into `submitted`.
 */
export type JobEvent =
  /** This process may work on the job until `until`. */
  | { type: 'lease'; owner: string; until: number; isDead: (owner: string) => boolean }
  | { type: 'release'; owner: string }
  /** The one attempt to submit begins. */
  | {
      type: 'claim';
      token: string;
      owner: string;
      sent?: JsonObject | undefined;
      keyMark?: string | undefined;
    }
  /** Nothing was accepted: the job goes back to its intent, on another route or later. */
  | { type: 'refused'; token: string | undefined; next: NextAttempt; dueAt: number }
  | { type: 'accepted'; token: string; operation: Json }
  /** The attempt's outcome is not known. With `search` the provider's list of jobs is looked through at `dueAt`. */
  | {
      type: 'lost';
      token: string | undefined;
      error: JobError;
      search?: (Lost & { dueAt: number }) | undefined;
    }
  /** The attempt may simply be made again (local generator). */
  | { type: 'repeat'; token: string | undefined }
  | { type: 'observed'; status: ProviderStatus; typicalSeconds?: number | undefined }
  | { type: 'cancelAsked' }
  /** The provider cannot be asked about it at present, or can again. */
  | { type: 'troubled'; why: string | undefined }
  | { type: 'cancelAnswered'; outcome: CancelOutcome | 'failed'; error?: string | undefined }
  | { type: 'completed'; result: Json; billedUsd?: number | undefined; billedUnits?: number | undefined }
  /** The files could not be fetched; the job stays done at the provider and is tried again at `dueAt`. */
  | { type: 'storeFailed'; error: JobError; dueAt: number }
  | { type: 'stored'; assets: Asset[]; seed: number | undefined; report: JsonObject | undefined }
  /** Refused for good, before anything was accepted; without a token nothing was claimed. */
  | { type: 'turnedDown'; token: string | undefined; error: JobError }
  /** The provider reports that it failed, or its files can never be had. */
  | { type: 'failed'; error: JobError; billedUnits?: number | undefined }
  | { type: 'cancelled'; error: JobError; billedUnits?: number | undefined };

/** Where a job that was refused is tried next. */
export type NextAttempt = Pick<
  Job,
  'provider' | 'model' | 'estimateUsd' | 'routeReason' | 'tried' | 'retries'
>;

/** Share of the progress bar that the provider's own work fills. */
const WORK_SHARE = 0.95;

export function isFinal(job: Job): boolean {
  return (
    job.state === 'succeeded' ||
    job.state === 'failed' ||
    job.state === 'cancelled' ||
    job.state === 'unconfirmed'
  );
}

/** @param now milliseconds since 1970 */
export function apply(job: Job, event: JobEvent, now: number): JobChange | undefined {
  const next = advance(job, event, now);
  if (!next) return undefined;
  const changed: Job = { ...next, updatedAt: Math.max(now, job.updatedAt) };
  return event.type === 'stored' ? { job: changed, assets: event.assets } : { job: changed };
}

function advance(job: Job, event: JobEvent, now: number): Job | undefined {
  switch (event.type) {
    case 'lease': {
      if (isFinal(job)) return undefined;
      const { lease } = job;
      const left = (lease?.until ?? now) - now;
      const held = lease && lease.owner !== event.owner && left > 0 && left <= LONGEST_LEASE_MS;
      if (held && !event.isDead(lease.owner)) return undefined;
      return { ...job, lease: { owner: event.owner, until: event.until } };
    }
    case 'release':
      return job.lease?.owner === event.owner ? without(job, 'lease') : undefined;
    case 'claim':
      return job.state === 'intent' && !job.cancelRequested
        ? {
            ...job,
            state: 'submitting',
            attempt: {
              token: event.token,
              at: now,
              owner: event.owner,
              ...(event.sent === undefined ? {} : { sent: event.sent }),
              ...(event.keyMark === undefined ? {} : { keyMark: event.keyMark }),
            },
            stage: 'sending the job',
          }
        : undefined;
    case 'refused':
      if (!isAttempt(job, event.token)) return undefined;
      if (job.cancelRequested) return ended(job, 'cancelled', notSent, now);
      return without(
        { ...job, ...event.next, state: 'intent', dueAt: event.dueAt, stage: 'waiting' },
        'attempt',
      );
    case 'turnedDown':
      // Also when it comes after the attempt was given up for lost: it says what nobody knew.
      return isAttempt(job, event.token) || isGivenUp(job, event.token)
        ? ended(job, 'failed', event.error, now)
        : undefined;
    case 'accepted': {
      const open = isOnItsWay(job) || job.state === 'unconfirmed';
      if (!open || job.operation !== undefined || job.attempt?.token !== event.token) return undefined;
      return without(
        {
          ...job,
          state: 'submitted',
          operation: event.operation,
          startedAt: job.state === 'submitting' ? now : job.attempt.at,
          stage: 'accepted',
          dueAt: Math.min(job.dueAt, now),
        },
        'error',
        'finishedAt',
      );
    }
    case 'lost': {
      if (!isOnItsWay(job) || job.attempt?.token !== event.token) return undefined;
      if (!event.search || !job.attempt) return ended(job, 'unconfirmed', event.error, now);
      const { dueAt, ...lost } = event.search;
      return {
        ...job,
        state: 'searching',
        attempt: { ...job.attempt, lost },
        stage: 'being looked for',
        error: event.error,
        dueAt,
      };
    }
    case 'repeat':
      if (job.state !== 'submitting' || job.attempt?.token !== event.token) return undefined;
      if (job.cancelRequested) return ended(job, 'cancelled', notSent, now);
      return without({ ...job, state: 'intent' }, 'attempt');
    case 'observed': {
      if (job.state !== 'submitted') return undefined;
      const { running, queuePosition, progress = 0, stage } = event.status;
      const seen: Job = {
        ...without(job, 'queuePosition'),
        running: job.running || running,
        // What is no number is no progress.
        progress: Math.max(job.progress, Math.min(1, progress) * WORK_SHARE || 0),
        stage: stage ?? (running ? 'working' : 'in the queue'),
        ...(running && job.runningSince === undefined ? began(event.typicalSeconds, now) : {}),
      };
      return queuePosition === undefined || seen.running ? seen : { ...seen, queuePosition };
    }
    case 'troubled': {
      if (job.state !== 'submitted' || job.trouble?.why === event.why) return undefined;
      const { why } = event;
      return why === undefined
        ? without(job, 'trouble')
        : { ...job, trouble: { why, since: job.trouble?.since ?? now } };
    }
    case 'cancelAsked': {
      if (isFinal(job)) return undefined;
      const asked: Job = {
        ...without(job, 'cancelOutcome', 'cancelError'),
        cancelRequested: true,
        cancelAsked: (job.cancelAsked ?? 0) + 1,
      };
      // Nothing was sent, so nothing is asked of anybody and nothing is charged.
      return job.state === 'intent' ? ended(asked, 'cancelled', notSent, now) : asked;
    }
    case 'cancelAnswered':
      if (job.state !== 'submitted' || !job.cancelRequested) return undefined;
      return {
        ...job,
        cancelOutcome: event.outcome,
        ...(event.error === undefined ? {} : { cancelError: event.error }),
      };
    case 'completed': {
      if (job.state !== 'submitted') return undefined;
      return {
        ...billed(without(job, 'queuePosition', 'trouble'), event),
        state: 'storing',
        completedAt: now,
        running: true,
        // Now, although the clock may have been set back since the job was sent.
        dueAt: Math.min(job.dueAt, now),
        result: event.result,
        progress: Math.max(job.progress, WORK_SHARE),
        stage: 'storing the files',
      };
    }
    case 'storeFailed':
      return job.state === 'storing'
        ? { ...job, error: event.error, storeAttempts: job.storeAttempts + 1, dueAt: event.dueAt }
        : undefined;
    case 'stored': {
      if (job.state !== 'storing') return undefined;
      const stored = ended(without(job, 'error', 'result'), 'succeeded', undefined, now);
      return {
        ...stored,
        progress: 1,
        stage: 'done',
        ...(event.seed === undefined ? {} : { seed: event.seed }),
        ...(event.report === undefined ? {} : { report: event.report }),
      };
    }
    case 'failed':
      return job.state === 'submitted' || job.state === 'storing'
        ? ended(billed(job, event), 'failed', event.error, now)
        : undefined;
    case 'cancelled':
      return job.state === 'submitted' ? ended(billed(job, event), 'cancelled', event.error, now) : undefined;
  }
}

/** Both stay as they are from here on, so that what is left of the time never rises. */
function began(typicalSeconds: number | undefined, now: number): Partial<Job> {
  return { runningSince: now, ...(typicalSeconds === undefined ? {} : { typicalSeconds }) };
}

/** The job with what the provider says that it billed. */
function billed(
  job: Job,
  { billedUsd, billedUnits }: { billedUsd?: number | undefined; billedUnits?: number | undefined },
): Job {
  return {
    ...job,
    ...(billedUsd === undefined ? {} : { billedUsd }),
    ...(billedUnits === undefined ? {} : { billedUnits }),
  };
}

/** Sent, and nobody knows yet what came of it. */
function isOnItsWay({ state }: Job): boolean {
  return state === 'submitting' || state === 'searching';
}

/** Whether the token is that of the attempt that runs; without one, whether none was made yet. */
function isAttempt(job: Job, token: string | undefined): boolean {
  return job.state === (token === undefined ? 'intent' : 'submitting') && job.attempt?.token === token;
}

/** Of that attempt nobody knew what became of it. */
function isGivenUp({ state, attempt, operation }: Job, token: string | undefined): boolean {
  const given = state === 'searching' || state === 'unconfirmed';
  return given && operation === undefined && token !== undefined && attempt?.token === token;
}

const notSent: JobError = {
  code: 'cancelled',
  message: 'Cancelled before anything was sent; nothing was charged.',
  retryable: true,
  charged: 'no',
};

function ended(job: Job, state: Job['state'], error: JobError | undefined, now: number): Job {
  const end: Job = { ...without(job, 'queuePosition', 'lease', 'trouble'), state, finishedAt: now };
  return error ? { ...end, error } : end;
}

/** The job without some of its optional fields. */
function without(job: Job, ...fields: Optional[]): Job {
  const copy = { ...job };
  for (const field of fields) delete copy[field];
  return copy;
}

type Optional =
  | 'lease'
  | 'attempt'
  | 'queuePosition'
  | 'error'
  | 'result'
  | 'finishedAt'
  | 'cancelOutcome'
  | 'cancelError'
  | 'trouble';
