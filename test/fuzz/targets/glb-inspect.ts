import { inspect } from '../../../src/glb/inspect.js';
import { inspectionSchema, viewInspection } from '../../../src/jobs/inspection.js';
import { isJsonObject, toJson } from '../../../src/json.js';
import { GLB_TOKENS, glbSeeds } from '../glb-seeds.js';
import { mutateGlb } from '../mutate-glb.js';
import { hold, type Target, unless } from '../target.js';

export const target: Target = {
  about: 'GLB files, inspected and validated',
  guides: ['/src/glb/'],
  seeds: glbSeeds,
  mutate: mutateGlb,
  tokens: GLB_TOKENS,
  quick: 30,
  run: async (bytes) => {
    const found = await unless(['invalid_asset', 'too_large'], () => inspect(bytes));
    if (!found) return;
    const json = toJson(found);
    hold(isJsonObject(json), 'an inspection is no JSON object');
    if (isJsonObject(json)) inspectionSchema.parse(viewInspection('asset_0', json));
    hold(JSON.stringify(found).length < 200_000, 'an inspection is too long to be read');
  },
};
