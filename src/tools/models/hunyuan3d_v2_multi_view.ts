import * as z from 'zod';
import { falOutput } from '../families/fields.js';
import { hunyuanArguments } from '../families/hunyuan.js';
import { image, type Model } from '../../jobs/model.js';

/** Hunyuan3D 2 from three sides; there is no right view. */
export const model: Model = {
  tool: 'hunyuan3d_v2_multi_view',
  title: 'Hunyuan3D 2 multi-view',
  description: 'Front, back and left views, all three needed, to a GLB.',
  input: z.strictObject({
    front_image_url: image('Front'),
    back_image_url: image('Back'),
    left_image_url: image('Left'),
    ...hunyuanArguments,
  }),
  licence: 'commercial use (fal)',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/hunyuan3d/v2/multi-view',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_mesh']),
      prices: [
        {
          usd: null,
          source: 'fal names no price; textured_mesh costs three times as much',
          date: '2026-11-20',
        },
      ],
    },
  ],
};
