import * as z from 'zod';
import { image, type Model } from '../../jobs/model.js';
import { trellisArguments, trellisOutput, trellisPrices } from '../families/trellis.js';

/** TRELLIS from several pictures. fal names no maximum; sixteen is ours. */
export const model: Model = {
  tool: 'trellis_multi',
  title: 'TRELLIS multi-image',
  description: 'Several images of one object to a textured GLB, cheap.',
  input: z.strictObject({
    image_urls: z.array(image('Image')).min(1).max(16),
    multiimage_algo: z.enum(['stochastic', 'multidiffusion']).default('stochastic'),
    ...trellisArguments,
  }),
  licence: 'commercial use (fal)',
  typicalSeconds: 15,
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/trellis/multi',
      request: (args, images) => ({ ...args, ...images }),
      output: trellisOutput,
      prices: trellisPrices,
    },
  ],
};
