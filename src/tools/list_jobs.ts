import * as z from 'zod';
import { costsSchema, paidDays } from '../jobs/costs.js';
import { jobSchema, type JobStatus, viewJob } from '../jobs/view.js';
import type { JobState } from '../store/types.js';
import { defineTool, jsonObject, type Tool } from './tool.js';

/** `submitted` is queued or running by what the provider last said. */
const SELECTED: { readonly [status in JobStatus]: { states: readonly JobState[]; running?: boolean } } = {
  queued: { states: ['intent', 'submitting', 'submitted'], running: false },
  running: { states: ['submitted', 'storing'], running: true },
  succeeded: { states: ['succeeded'] },
  failed: { states: ['failed'] },
  cancelled: { states: ['cancelled'] },
  unconfirmed: { states: ['searching', 'unconfirmed'] },
};

/** Of how many UTC days a list tells the costs. */
const COST_DAYS = 7;

export const tool: Tool = defineTool({
  name: 'list_jobs',
  title: 'List jobs',
  group: 'jobs',
  effect: 'reads',
  description: 'Jobs, newest first, also those of earlier sessions, and what the last days cost.',
  input: z.strictObject({
    status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'unconfirmed']).optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().optional(),
  }),
  output: z.object({
    jobs: z.array(jobSchema),
    next_cursor: z.string().optional(),
    costs: costsSchema.optional(),
  }),
  run: async ({ status, limit, cursor }, { jobs, principal, locate }) => {
    const page = await jobs.list(principal, { ...(status && SELECTED[status]), limit, cursor });
    // Later pages are about the same days.
    const costs = cursor === undefined ? paidDays(await jobs.costs(principal, COST_DAYS)) : undefined;
    const views = await Promise.all(
      page.rows.map(async (job) =>
        viewJob(job, await jobs.assets.ofJob(job.id), { locate, stalled: jobs.stalled(job) }),
      ),
    );
    return {
      structured: jsonObject({
        jobs: views,
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        ...(costs ? { costs } : {}),
      }),
    };
  },
});
