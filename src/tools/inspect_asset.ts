import * as z from 'zod';
import { inspectionSchema, viewInspection } from '../jobs/inspection.js';
import { assetId, defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'inspect_asset',
  title: 'Inspect asset',
  group: 'assets',
  effect: 'reads',
  description:
    'What is inside a GLB: validity, counts, size in metres, materials, textures, watertight, normals, UVs, and warnings with their fix.',
  input: z.strictObject({ asset_id: assetId }),
  output: inspectionSchema,
  run: async ({ asset_id }, { jobs, principal, signal }) => {
    const { asset, inspection } = await jobs.assets.inspect(principal, asset_id, signal);
    return { structured: viewInspection(asset.id, inspection) };
  },
});
