import * as z from 'zod';
import { falOutput } from '../families/fields.js';
import { hunyuanArguments, hunyuanPrices } from '../families/hunyuan.js';
import { image, type Model } from '../../jobs/model.js';

/** Hunyuan3D 2, one picture. */
export const model: Model = {
  tool: 'hunyuan3d_v2',
  title: 'Hunyuan3D 2',
  description: 'One image to a GLB; white mesh unless textured_mesh is set.',
  input: z.strictObject({ input_image_url: image('Image of one object'), ...hunyuanArguments }),
  licence: 'commercial use (fal)',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/hunyuan3d/v2',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_mesh']),
      prices: hunyuanPrices(0.16),
    },
  ],
};
