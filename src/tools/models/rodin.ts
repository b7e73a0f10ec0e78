import * as z from 'zod';
import { falOutput, seed } from '../families/fields.js';
import { image, type Model } from '../../jobs/model.js';

/**
 * Hyper3D Rodin. fal's schema requires nothing, yet a prompt or images are needed. `addons` is a text, not a list,
 * whatever its documentation's default says.
 */
export const model: Model = {
  tool: 'rodin',
  title: 'Hyper3D Rodin',
  description:
    'Text, or one or more images, to a PBR model in GLB, USDZ, FBX, OBJ or STL. Give a prompt or images.',
  input: z.strictObject({
    prompt: z.string().max(1024).default(''),
    input_image_urls: z.array(image('Image')).min(1).max(16).optional(),
    condition_mode: z
      .enum(['fuse', 'concat'])
      .default('concat')
      .describe('Images: concat: views of one object; fuse: several objects'),
    geometry_file_format: z.enum(['glb', 'usdz', 'fbx', 'obj', 'stl']).default('glb'),
    material: z.enum(['PBR', 'Shaded']).default('PBR'),
    quality: z.enum(['high', 'medium', 'low', 'extra-low']).default('medium'),
    tier: z.enum(['Regular', 'Sketch']).default('Regular'),
    use_hyper: z.boolean().default(false),
    TAPose: z.boolean().default(false).describe('T or A pose for people'),
    bbox_condition: z
      .array(z.int().min(1).max(100_000))
      .length(3)
      .describe('Length X, width Y, height Z')
      .optional(),
    addons: z.enum(['HighPack']).describe('4K textures, high poly; costs three times as much').optional(),
    seed: seed(65_535),
  }),
  check: ({ prompt, condition_mode: mode, input_image_urls: images }, given) => {
    const text = typeof prompt === 'string' && prompt.trim() !== '';
    if (!text && images === undefined) {
      return {
        field: 'prompt',
        message: 'rodin needs a `prompt`, or `input_image_urls` with one or more images.',
      };
    }
    if (images === undefined && mode === 'fuse' && given.has('condition_mode')) {
      return {
        field: 'condition_mode',
        message: '`condition_mode` fuse needs `input_image_urls`; leave it out for text alone.',
      };
    }
    return undefined;
  },
  licence: 'commercial use (fal, partner)',
  outputs: ['glb', 'usdz', 'fbx', 'obj', 'stl'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/hyper3d/rodin',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_mesh'], { textures: 'texture' }),
      prices: [
        {
          usd: 1.2,
          condition: 'HighPack',
          when: ({ addons }) => addons === 'HighPack',
          source: "fal's model page",
          date: '2026-11-20',
        },
        { usd: 0.4, source: "fal's model page", date: '2026-11-20' },
      ],
    },
  ],
};
