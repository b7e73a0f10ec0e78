import * as z from 'zod';
import { between, falOutput, seed, whole } from './fields.js';
import type { PriceRow } from '../../jobs/model.js';

/** What both TRELLIS endpoints share. */
export const trellisArguments = {
  seed: seed(),
  texture_size: z.literal([512, 1024, 2048]).default(1024),
  mesh_simplify: between(0.9, 0.98, 0.95).describe('Share of faces removed'),
  ss_guidance_strength: between(0, 10, 7.5),
  ss_sampling_steps: whole(1, 50, 12),
  slat_guidance_strength: between(0, 10, 3),
  slat_sampling_steps: whole(1, 50, 12),
};

export const trellisOutput = falOutput(['model_mesh']);

export const trellisPrices: readonly PriceRow[] = [
  { usd: 0.02, source: 'published price list, not fal', date: '2026-11-20' },
];
