import * as z from 'zod';
import { jobSchema } from '../jobs/view.js';
import { defineTool, jobAnswer, jobId, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'cancel_job',
  title: 'Cancel job',
  group: 'jobs',
  effect: 'destroys',
  description:
    'Asks the provider to stop a job and tells what it really did: removed, runs on and is charged, or had finished.',
  input: z.strictObject({ job_id: jobId }),
  output: jobSchema,
  run: async ({ job_id }, context) =>
    jobAnswer(await context.jobs.cancel(context.principal, job_id), context),
});
