import * as z from 'zod';
import { between, seed, whole } from './fields.js';
import type { PriceRow } from '../../jobs/model.js';

/** What the Hunyuan3D endpoints share. */
export const hunyuanArguments = {
  textured_mesh: z.boolean().default(false).describe('Costs three times as much'),
  num_inference_steps: whole(1, 50, 50),
  guidance_scale: between(0, 20, 7.5),
  octree_resolution: whole(1, 1024, 256),
  seed: seed(),
};

/** fal's own text names the factor; the price of a white mesh is from published lists. */
export function hunyuanPrices(white: number): PriceRow[] {
  const source = 'published price list, not fal; factor 3 from fal';
  return [
    {
      usd: Math.round(white * 300) / 100,
      condition: 'textured_mesh',
      when: ({ textured_mesh: textured }) => textured === true,
      source,
      date: '2026-11-20',
    },
    { usd: white, source, date: '2026-11-20' },
  ];
}
