import * as z from 'zod';
import { between, falOutput, whole } from '../families/fields.js';
import { image, type Model } from '../../jobs/model.js';

/** TripoSR. It has no seed; an OBJ comes with its textures in `remeshing_dir`. */
export const model: Model = {
  tool: 'triposr',
  title: 'TripoSR',
  description: 'One image to a rough GLB or OBJ in about a second.',
  input: z.strictObject({
    image_url: image('Image of one object'),
    output_format: z.enum(['glb', 'obj']).default('glb'),
    do_remove_background: z.boolean().default(true),
    foreground_ratio: between(0.5, 1, 0.9),
    mc_resolution: whole(32, 1024, 256).describe('Over 512 is discouraged'),
  }),
  licence: 'MIT weights; fal names none',
  typicalSeconds: 1,
  outputs: ['glb', 'obj'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/triposr',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_mesh'], { remeshing_dir: 'archive' }),
      prices: [{ usd: 0.07, source: 'published price list, not fal', date: '2026-11-20' }],
    },
  ],
};
