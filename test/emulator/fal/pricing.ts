import type { JsonObject } from '../common/json.js';

/** What fal bills for one run: a quantity of a unit, and the unit's price. */
export interface Price {
  unit: string;
  /** US dollars. */
  unitPrice: number;
  units: (input: JsonObject) => number;
  /** Where the figures come from; all are of 2026. */
  source: string;
}

const per = (unitPrice: number, source: string, units: (input: JsonObject) => number = () => 1): Price => ({
  unit: 'generations',
  unitPrice,
  units,
  source,
});

const NOT_PUBLISHED = 'not published: a figure of this emulator';

/** `textured_mesh`: three times the white mesh (model pages). */
const texturedTimesThree = (input: JsonObject): number => (input['textured_mesh'] === true ? 3 : 1);

/** 0.20 untextured, 0.30 standard, 0.40 HD, style and quad 0.05 each; a unit is 0.20. */
function tripoUnits(input: JsonObject): number {
  const texture = input['pbr'] === true && input['texture'] === 'no' ? 'standard' : input['texture'];
  const base = texture === 'no' ? 1 : texture === 'HD' ? 2 : 1.5;
  return base + (typeof input['style'] === 'string' ? 0.25 : 0) + (input['quad'] === true ? 0.25 : 0);
}

export const PRICES: Readonly<Record<string, Price>> = {
  // 0.30 "1024p", 0.42 "2048p and 4096p". 1536 exists only as geometry resolution; read as the dearer tier.
  'fal-ai/pixal3d': per(0.3, 'model page', (input) =>
    input['resolution'] === 1024 && input['texture_size'] === 1024 ? 1 : 1.4,
  ),
  'fal-ai/reconviagen-0.5': per(0.5, NOT_PUBLISHED),
  'tripo3d/tripo/v2.5/image-to-3d': per(
    0.2,
    'pricing interface, third party; surcharges from the page',
    tripoUnits,
  ),
  // The pricing interface counts credits here; a credit is taken as a cent.
  'tripo3d/tripo/v2.5/multiview-to-3d': {
    unit: 'credits',
    unitPrice: 0.01,
    units: (input) => 20 * tripoUnits(input),
    source: NOT_PUBLISHED,
  },
  'fal-ai/hunyuan3d-v21': per(0.3, 'third party; factor from the page', texturedTimesThree),
  'fal-ai/hunyuan3d/v2': per(0.16, 'third party; factor from the page', texturedTimesThree),
  'fal-ai/hunyuan3d/v2/turbo': per(0.14, 'third party; factor from the page', texturedTimesThree),
  'fal-ai/hunyuan3d/v2/multi-view': per(0.16, NOT_PUBLISHED, texturedTimesThree),
  'fal-ai/hyper3d/rodin': per(0.4, 'llms.txt; factor from the page', (input) =>
    input['addons'] === 'HighPack' ? 3 : 1,
  ),
  'fal-ai/trellis': per(0.02, 'third party'),
  'fal-ai/trellis/multi': per(0.02, 'third party'),
  'fal-ai/triposr': per(0.07, 'third party'),
};

/** US dollars, free of binary dust. */
export function dollars(price: Price, units: number): number {
  return Math.round(price.unitPrice * units * 10_000) / 10_000;
}
