import * as z from 'zod';
import { assetId, defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'delete_asset',
  title: 'Delete asset',
  group: 'assets',
  effect: 'destroys',
  description: 'Deletes a stored file for good; its job stays in the list.',
  input: z.strictObject({ asset_id: assetId }),
  output: z.object({ asset_id: z.string(), deleted: z.boolean() }),
  run: async ({ asset_id }, { jobs, principal }) => {
    const asset = await jobs.assets.delete(principal, asset_id);
    return { structured: { asset_id: asset.id, deleted: true } };
  },
});
