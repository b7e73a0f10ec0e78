import * as z from 'zod';
import { assetSchema, viewAsset } from '../jobs/view.js';
import { defineTool, jobId, jsonObject, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'list_assets',
  title: 'List assets',
  group: 'assets',
  effect: 'reads',
  description: 'Stored files, newest first, with path or link.',
  input: z.strictObject({
    job_id: jobId.optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().optional(),
  }),
  output: z.object({ assets: z.array(assetSchema), next_cursor: z.string().optional() }),
  run: async ({ job_id, limit, cursor }, { jobs, principal, locate }) => {
    const page = await jobs.assets.list(principal, { jobId: job_id, limit, cursor });
    return {
      structured: jsonObject({
        assets: page.rows.map((asset) => viewAsset(asset, locate)),
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
      }),
      assets: page.rows,
    };
  },
});
