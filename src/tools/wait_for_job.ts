import * as z from 'zod';
import { jobSchema } from '../jobs/view.js';
import { waitAndAnswer } from './model-tool.js';
import { defineTool, jobId, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'wait_for_job',
  title: 'Wait for job',
  group: 'jobs',
  effect: 'reads',
  description:
    'Waits until a job has ended or the time is over; "still running" is a normal answer: call it again. Never pays again.',
  input: z.strictObject({ job_id: jobId, wait_seconds: z.number().min(0).max(600).optional() }),
  output: jobSchema,
  run: async ({ job_id, wait_seconds }, context) =>
    waitAndAnswer(
      await context.jobs.get(context.principal, job_id),
      wait_seconds ?? context.config.waitSeconds,
      context,
    ),
});
