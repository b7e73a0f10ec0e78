import { MeshwrightError } from '../errors.js';
import { idIn } from '../providers/provider.js';
import type { Job } from '../store/types.js';
import { apply, type JobEvent, isFinal } from './transition.js';

/**
 * What this process knows of jobs and could not write down, because the disk is full or the database is locked. Whoever
 * asks is told; nothing is decided by it, that is done by the rows.
 */
export class Unwritten {
  readonly #jobs = new Map<string, { why: string; since: number; accepted: Accepted | undefined }>();

  /** Answers whether it was news: what is said of the job is another thing now. */
  failed(id: string, event: JobEvent, error: unknown): boolean {
    if (!(error instanceof MeshwrightError) || error.code !== 'storage') return false;
    const known = this.#jobs.get(id);
    const accepted = event.type === 'accepted' ? event : known?.accepted;
    this.#jobs.set(id, { why: error.message, since: known?.since ?? Date.now(), accepted });
    return known === undefined || known.accepted !== accepted;
  }

  /** The job's row could be written. A handle stays known until it is what was written. */
  written(id: string, event: JobEvent): void {
    if (event.type === 'accepted' || this.#jobs.get(id)?.accepted === undefined) this.#jobs.delete(id);
  }

  /** The job as it would be if all could be written. */
  withIt(job: Job): Job {
    const known = this.#jobs.get(job.id);
    if (!known || isFinal(job)) return job;
    const { accepted, since, why } = known;
    const now = (accepted && apply(job, accepted, Date.now())?.job) ?? job;
    const id = accepted && idIn(accepted.operation);
    const handle = accepted
      ? ` ${job.provider} has taken the job${id === undefined ? '' : ` (${id} there)`}; only the memory of this server holds that, so keep it running.`
      : '';
    return { ...now, trouble: { why: `${why}${handle}`, since, here: true } };
  }
}

type Accepted = Extract<JobEvent, { type: 'accepted' }>;
