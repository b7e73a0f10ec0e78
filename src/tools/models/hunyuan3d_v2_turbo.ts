import * as z from 'zod';
import { falOutput } from '../families/fields.js';
import { hunyuanArguments, hunyuanPrices } from '../families/hunyuan.js';
import { image, type Model } from '../../jobs/model.js';

/** Hunyuan3D 2 Turbo, one picture. */
export const model: Model = {
  tool: 'hunyuan3d_v2_turbo',
  title: 'Hunyuan3D 2 Turbo',
  description: 'Like hunyuan3d_v2, faster and a little cheaper.',
  input: z.strictObject({ input_image_url: image('Image of one object'), ...hunyuanArguments }),
  licence: 'commercial use (fal)',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/hunyuan3d/v2/turbo',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_mesh']),
      prices: hunyuanPrices(0.14),
    },
  ],
};
