import * as z from 'zod';
import { image, type Model } from '../../jobs/model.js';
import { tripoArguments, tripoOutput, tripoSurcharges } from '../families/tripo.js';

/** Tripo v2.5 from up to four sides. fal's pricing interface answers "credits", so no dollars are known. */
export const model: Model = {
  tool: 'tripo_multiview_to_3d',
  title: 'Tripo v2.5 multiview',
  description:
    'Front and any of left, back, right views of one object to a textured GLB; quad meshes as FBX.',
  input: z.strictObject({
    front_image_url: image('Front'),
    left_image_url: image('Left').optional(),
    back_image_url: image('Back').optional(),
    right_image_url: image('Right').optional(),
    ...tripoArguments,
  }),
  licence: 'commercial use (fal, partner)',
  typicalSeconds: 30,
  outputs: ['glb', 'fbx'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'tripo3d/tripo/v2.5/multiview-to-3d',
      request: (args, images) => ({ ...args, ...images }),
      output: tripoOutput,
      prices: [{ usd: null, source: 'fal bills credits', date: '2026-11-20' }],
      surcharges: tripoSurcharges,
    },
  ],
};
