import * as z from 'zod';
import { between, camelCased, falOutput, listedOutput, sampler, seed, whole } from '../families/fields.js';
import { image, type Model } from '../../jobs/model.js';

/** Sharpness of the first stage's noise schedule; Scenario cannot set it. */
const SS_RESCALE_T = 5;

/**
 * Pixal3D, one picture. The price text names only the sizes of textures, so the upper tier counts unless both
 * resolutions are 1024. Every parameter is sent to every provider: their own defaults differ threefold in steps.
 */
export const model: Model = {
  tool: 'pixal3d',
  title: 'Pixal3D',
  description:
    'One image to a detailed, textured GLB. Defaults are good; 1536 and 4096 are slower and dearer.',
  input: z.strictObject({
    image_url: image('Image of one object'),
    seed: seed(),
    resolution: z.literal([1024, 1536]).default(1024).describe('Geometry'),
    texture_size: z.literal([1024, 2048, 4096]).default(2048),
    decimation_target: whole(5000, 2_000_000, 200_000).describe('Vertices'),
    remesh: z.boolean().default(true),
    mesh_scale: between(0.1, 4, 1),
    max_num_tokens: whole(4096, 131_072, 49_152),
    ...sampler('ss', { strength: 7.5, rescale: 0.7, steps: 12, t: SS_RESCALE_T }),
    ...sampler('shape_slat', { strength: 7.5, rescale: 0.5, steps: 12, t: 3 }),
    ...sampler('tex_slat', { strength: 1, rescale: 0, steps: 12, t: 3 }),
  }),
  licence: 'commercial use (fal)',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/pixal3d',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_glb']),
      prices: [
        {
          usd: 0.3,
          condition: 'resolution and texture_size 1024',
          when: ({ resolution, texture_size: texture }) => resolution === 1024 && texture === 1024,
          source: "fal's model page",
          date: '2026-11-20',
        },
        { usd: 0.42, source: "fal's model page", date: '2026-11-20' },
      ],
    },
    {
      provider: 'pixazo',
      endpoint: 'pixal3d',
      request: (args, images) => ({ ...args, ...images }),
      output: listedOutput,
      prices: [{ usd: null, source: 'Pixazo names no price', date: '2026-11-20' }],
    },
    {
      provider: 'scenario',
      endpoint: 'model_pixal3d',
      request: (
        { resolution: geometry = null, texture_size: texture = null, ss_rescale_t: _fixed, ...args },
        { image_url: picture = '' },
      ) => ({
        ...camelCased(args),
        image: picture,
        generationResolution: geometry,
        resolution: texture,
      }),
      output: listedOutput,
      refuses: ({ ss_rescale_t: t }) =>
        t === SS_RESCALE_T
          ? undefined
          : `Scenario cannot set ss_rescale_t: leave it at ${SS_RESCALE_T}, or use another provider.`,
      prices: [{ usd: null, source: 'Scenario counts in creative units', date: '2026-11-20' }],
    },
  ],
};
