import * as z from 'zod';
import { image, type Model } from '../../jobs/model.js';
import { trellisArguments, trellisOutput, trellisPrices } from '../families/trellis.js';

/** TRELLIS, one picture. */
export const model: Model = {
  tool: 'trellis',
  title: 'TRELLIS',
  description: 'One image to a textured GLB, fast and very cheap; good for drafts.',
  input: z.strictObject({ image_url: image('Image of one object'), ...trellisArguments }),
  licence: 'commercial use (fal)',
  typicalSeconds: 15,
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/trellis',
      request: (args, images) => ({ ...args, ...images }),
      output: trellisOutput,
      prices: trellisPrices,
    },
  ],
};
