import * as z from 'zod';
import { image, type Model } from '../../jobs/model.js';
import { tripoArguments, tripoOutput, tripoSurcharges } from '../families/tripo.js';

/** Tripo v2.5, one picture. */
export const model: Model = {
  tool: 'tripo_image_to_3d',
  title: 'Tripo v2.5',
  description: 'One image to a clean, textured GLB in about half a minute; quad meshes as FBX on request.',
  input: z.strictObject({ image_url: image('Image of one object'), ...tripoArguments }),
  licence: 'commercial use (fal, partner)',
  typicalSeconds: 30,
  outputs: ['glb', 'fbx'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'tripo3d/tripo/v2.5/image-to-3d',
      request: (args, images) => ({ ...args, ...images }),
      output: tripoOutput,
      prices: [
        {
          usd: 0.4,
          condition: 'texture HD',
          when: ({ texture }) => texture === 'HD',
          source: 'published price list, not fal',
          date: '2026-09-09',
        },
        {
          usd: 0.2,
          condition: 'texture no, pbr false',
          when: ({ texture, pbr }) => texture === 'no' && pbr !== true,
          source: 'published price list, not fal',
          date: '2026-09-09',
        },
        { usd: 0.3, source: 'published price list, not fal', date: '2026-09-09' },
      ],
      surcharges: tripoSurcharges,
    },
  ],
};
