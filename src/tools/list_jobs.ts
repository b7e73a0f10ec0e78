import * as z from 'zod';
import { jobSchema, type JobStatus, type JobView, viewJob } from '../jobs/view.js';
import type { JobState } from '../store/types.js';
import { defineTool, jsonObject, type Tool } from './tool.js';

const STATES: { readonly [status in JobStatus]: readonly JobState[] } = {
  queued: ['intent', 'submitting', 'submitted'],
  running: ['submitted', 'storing'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  unconfirmed: ['unconfirmed'],
};

export const tool: Tool = defineTool({
  name: 'list_jobs',
  title: 'List jobs',
  group: 'jobs',
  effect: 'reads',
  description: 'Jobs, newest first, also those of earlier sessions.',
  input: z.strictObject({
    status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'unconfirmed']).optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().optional(),
  }),
  output: z.object({ jobs: z.array(jobSchema), next_cursor: z.string().optional() }),
  run: async ({ status, limit, cursor }, { jobs, principal, locate }) => {
    // "submitted" is queued or running by what the provider last said, so rows are looked at one by one.
    const found: JobView[] = [];
    let next = cursor;
    do {
      const page = await jobs.list(principal, {
        states: status && STATES[status],
        limit: limit - found.length,
        cursor: next,
      });
      for (const job of page.rows) {
        const view = viewJob(job, await jobs.assets.ofJob(job.id), { locate, stalled: jobs.stalled(job) });
        if (status === undefined || view.status === status) found.push(view);
      }
      next = page.nextCursor;
    } while (next !== undefined && found.length < limit);
    return {
      structured: jsonObject({
        jobs: found,
        ...(next === undefined ? {} : { next_cursor: next }),
      }),
    };
  },
});
