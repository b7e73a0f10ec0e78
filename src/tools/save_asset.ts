import * as z from 'zod';
import { assetId, defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'save_asset',
  title: 'Save asset',
  group: 'assets',
  effect: 'writes',
  description: 'Copies a stored file to a path of the user.',
  input: z.strictObject({
    asset_id: assetId,
    path: z.string().min(1).describe('Absolute or ~ path of a file, or of a folder that exists'),
    overwrite: z.boolean().default(false),
  }),
  output: z.object({ path: z.string(), size_bytes: z.int().min(0) }),
  run: async ({ asset_id, path, overwrite }, { jobs, principal }) => {
    const saved = await jobs.assets.save(principal, asset_id, { path, overwrite });
    return { structured: { path: saved.path, size_bytes: saved.sizeBytes } };
  },
});
