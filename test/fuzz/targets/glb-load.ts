import { load } from '../../../src/glb/load.js';
import { GLB_TOKENS, glbSeeds } from '../glb-seeds.js';
import { mutateGlb } from '../mutate-glb.js';
import { type Target, unless } from '../target.js';

export const target: Target = {
  about: 'GLB files, read with all decoders',
  guides: ['/src/glb/', 'gltf-transform'],
  seeds: glbSeeds,
  mutate: mutateGlb,
  tokens: GLB_TOKENS,
  quick: 40,
  run: (bytes) => unless(['invalid_asset', 'too_large'], () => load(bytes)),
};
