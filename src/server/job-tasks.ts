import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { MeshwrightError } from '../errors.js';
import type { Jobs } from '../jobs/service.js';
import { isFinal } from '../jobs/transition.js';
import type { Locate } from '../jobs/view.js';
import { messageFor } from '../jobs/words.js';
import { redact } from '../log.js';
import type { ServerDeps } from '../server.js';
import type { Job } from '../store/types.js';
import type { Task, TaskSource } from './tasks.js';

const PAGE = 50;
/** How long one wait lasts before the job is looked at again. */
const WAIT_MS = 600_000;

/**
 * The jobs of a principal as tasks: a task's id is its job's id, and it holds nothing that the job's row does not, so
 * it outlives connections and restarts.
 */
export function jobTasks(deps: Pick<ServerDeps, 'jobs' | 'principal' | 'locate'>): TaskSource {
  const { principal } = deps;
  const view = (job: Job, jobs: Jobs): Task => taskOfJob(job, jobs, deps.locate(jobs));
  return {
    get: async (id) => {
      const jobs = await deps.jobs();
      return view(await jobs.get(principal, id).catch(noTask), jobs);
    },
    cancel: async (id, ms) => {
      const jobs = await deps.jobs();
      // A provider that cannot stop the job leaves it running: then the task says so instead of "cancelled".
      return view(await jobs.cancel(principal, id, ms), jobs);
    },
    // Nothing is ever asked in the middle of a job.
    update: () => Promise.resolve(),
    wait: async (id, signal) => {
      const jobs = await deps.jobs();
      const job = await jobs.wait(principal, id, { ms: WAIT_MS, signal });
      if (jobs.isWrappingUp && !isFinal(job)) {
        throw new ProtocolError(
          ProtocolErrorCode.InternalError,
          'The server is stopping; the task goes on. Ask for its result again later.',
        );
      }
      return view(job, jobs);
    },
    list: async (cursor) => {
      const jobs = await deps.jobs();
      const page = await jobs.list(principal, { limit: PAGE, cursor }).catch(invalid);
      return { tasks: page.rows.map((job) => view(job, jobs)), nextCursor: page.nextCursor };
    },
  };
}

export function taskOfJob(job: Job, jobs: Jobs, locate: Locate): Task {
  const elapsed = ((job.finishedAt ?? Date.now()) - job.createdAt) / 1000;
  return {
    id: job.id,
    status: statusOf(job),
    message: redact(messageFor(job, undefined, elapsed)),
    createdAt: job.createdAt,
    updatedAt: job.updatedAt,
    answer: async () => {
      const { jobResult } = await import('../tools/index.js');
      return jobResult(job, jobs, locate);
    },
  };
}

function statusOf(job: Job): Task['status'] {
  if (!isFinal(job)) return 'working';
  if (job.state === 'succeeded') return 'completed';
  return job.state === 'cancelled' ? 'cancelled' : 'failed';
}

function noTask(error: unknown): never {
  if (error instanceof MeshwrightError && error.code === 'not_found') {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such task.');
  }
  throw error;
}

function invalid(error: unknown): never {
  if (error instanceof MeshwrightError)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
  throw error;
}
