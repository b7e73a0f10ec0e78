import { z } from 'zod';
import { assetId, defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'inspect_asset',
  title: 'Inspect asset',
  group: 'assets',
  effect: 'reads',
  description:
    'What is inside a GLB: validity, counts, size in metres, materials, textures, watertight, normals, UVs, and warnings with their fix.',
  input: z.strictObject({ asset_id: assetId }),
  output: z.looseObject({ asset_id: z.string() }),
  run: async ({ asset_id }, { jobs, principal }) => {
    const { asset, inspection } = await jobs.assets.inspect(principal, asset_id);
    return { structured: { asset_id: asset.id, ...inspection } };
  },
});
