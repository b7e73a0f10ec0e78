import * as z from 'zod';
import { assetId, defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'view_asset',
  title: 'View asset',
  group: 'assets',
  effect: 'reads',
  description:
    'One picture of a GLB from several sides, so that you can see what was made. In clay and wireframe, red is the back of a surface: a face turned inside out, or seen through a hole.',
  input: z.strictObject({
    asset_id: assetId,
    views: z
      .array(z.enum(['front', 'right', 'back', 'left', 'top', 'bottom', 'three-quarter']))
      .min(1)
      .max(6)
      .default(['front', 'right', 'back', 'three-quarter']),
    style: z.enum(['textured', 'clay', 'wireframe', 'normals']).default('textured'),
    size: z.int().min(256).max(1024).default(1024).describe('Longest side, px'),
  }),
  run: async ({ asset_id, views, style, size }, { jobs, principal, signal }) => {
    const { picture } = await jobs.assets.render(principal, asset_id, { views, style, size, signal });
    return { picture: { data: picture.image, mimeType: picture.mimeType } };
  },
});
