import * as z from 'zod';
import { falOutput, sampler, seed, whole } from '../families/fields.js';
import { image, type Model } from '../../jobs/model.js';

/** ReconViaGen 0.5, one to sixteen pictures of one object. Ranges are those of fal's OpenAPI. */
export const model: Model = {
  tool: 'reconviagen',
  title: 'ReconViaGen 0.5',
  description: 'One to 16 images of one object, any angles, to a textured PBR GLB. More views, better shape.',
  input: z.strictObject({
    image_urls: z.array(image('Image')).min(1).max(16),
    seed: seed(),
    resolution: z.literal([512, 1024, 1536]).default(1024).describe('Geometry'),
    texture_size: z.literal([1024, 2048, 4096]).default(2048),
    decimation_target: whole(5000, 2_000_000, 500_000).describe('Vertices'),
    ss_source: z
      .enum(['direct', 'mesh', 'mvtrellis2'])
      .default('mesh')
      .describe('mesh: best; direct: fastest'),
    multi_image_strategy: z
      .enum([
        'average_right',
        'weighted_average',
        'sequential',
        'average',
        'adaptive_guidance_weight',
        'fixed_guidance_rescale',
      ])
      .default('adaptive_guidance_weight'),
    ...sampler('ss', { strength: 7.5, rescale: 0.7, steps: 12, t: 5 }),
    ...sampler('slat', { strength: 7.5, rescale: 0.5, steps: 12, t: 3 }),
    ...sampler('shape_slat', { strength: 7.5, rescale: 0.5, steps: 12, t: 3 }),
    ...sampler('tex_slat', { strength: 1, rescale: 0, steps: 12, t: 3 }),
  }),
  licence: 'commercial use (fal)',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/reconviagen-0.5',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_glb']),
      prices: [{ usd: null, source: 'fal names no price', date: '2026-11-20' }],
    },
  ],
};
