import * as z from 'zod';
import { jobSchema } from '../jobs/view.js';
import { defineTool, jobAnswer, jobId, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'get_job',
  title: 'Get job',
  group: 'jobs',
  effect: 'reads',
  description: 'Where a job stands now, with its files when it is done. Does not wait.',
  input: z.strictObject({ job_id: jobId }),
  output: jobSchema,
  run: async ({ job_id }, context) => jobAnswer(await context.jobs.get(context.principal, job_id), context),
});
