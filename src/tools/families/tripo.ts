import * as z from 'zod';
import type { JsonObject } from '../../json.js';
import { falOutput, seed } from './fields.js';
import type { Surcharge } from '../../jobs/model.js';

/**
 * What both Tripo v2.5 endpoints share. `pbr` is always sent: fal's text and schema name different defaults, and it
 * overrides `texture`. `style` is marked deprecated in fal's schema but still listed.
 */
export const tripoArguments = {
  seed: seed(),
  texture_seed: seed(),
  face_limit: z.int().min(1).max(2_000_000).optional(),
  texture: z.enum(['no', 'standard', 'HD']).default('standard'),
  pbr: z.boolean().default(false).describe('Overrides texture'),
  auto_size: z.boolean().default(false).describe('Real-world metres'),
  quad: z.boolean().default(false).describe('Quads, yields FBX; +$0.05'),
  style: z
    .enum([
      'person:person2cartoon',
      'object:clay',
      'object:steampunk',
      'animal:venom',
      'object:barbie',
      'object:christmas',
      'gold',
      'ancient_bronze',
    ])
    .describe('+$0.05')
    .optional(),
  texture_alignment: z.enum(['original_image', 'geometry']).default('original_image'),
  orientation: z.enum(['default', 'align_image']).default('default'),
};

export const tripoSurcharges: readonly Surcharge[] = [
  { usd: 0.05, condition: 'style', when: (args: JsonObject) => args['style'] !== undefined },
  { usd: 0.05, condition: 'quad', when: (args: JsonObject) => args['quad'] === true },
];

/** Every file may be absent or null; the mesh is wherever Tripo put it. */
export const tripoOutput = falOutput(['model_mesh', 'pbr_model', 'base_model'], {
  rendered_image: 'preview',
});
