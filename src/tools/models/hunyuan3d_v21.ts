import * as z from 'zod';
import { falOutput } from '../families/fields.js';
import { hunyuanArguments, hunyuanPrices } from '../families/hunyuan.js';
import { image, type Model } from '../../jobs/model.js';

/** Hunyuan3D 2.1. It was missing in fal's active catalogue of June 2026. Its `model_mesh` is a ZIP; the model is `model_glb`. */
export const model: Model = {
  tool: 'hunyuan3d_v21',
  title: 'Hunyuan3D 2.1',
  description:
    'One image to a GLB, with PBR when textured. fal may have delisted it; then it fails at no cost.',
  input: z.strictObject({ input_image_url: image('Image of one object'), ...hunyuanArguments }),
  licence: 'not in fal’s catalogue',
  outputs: ['glb', 'zip'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/hunyuan3d-v21',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_glb'], { model_glb_pbr: 'other', model_mesh: 'archive' }),
      prices: hunyuanPrices(0.3),
    },
  ],
};
