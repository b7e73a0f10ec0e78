import { render } from '../../../src/glb/render.js';
import { STYLES } from '../../../src/glb/style.js';
import { GLB_TOKENS, glbSeeds } from '../glb-seeds.js';
import { mutateGlb } from '../mutate-glb.js';
import { hold, readable, type Target, unless } from '../target.js';

export const target: Target = {
  about: 'GLB files, drawn',
  guides: ['/src/glb/'],
  seeds: glbSeeds,
  mutate: mutateGlb,
  tokens: GLB_TOKENS,
  quick: 15,
  run: async (bytes) => {
    const style = STYLES[bytes.length % STYLES.length];
    const picture = await unless(['invalid_asset', 'too_large'], () =>
      render(bytes, { size: 256, style, views: ['front'] }),
    );
    if (!picture) return;
    hold(
      picture.image.length > 0 && picture.image.length <= 200_000,
      `a picture has ${picture.image.length} bytes`,
    );
    hold(
      picture.width <= 256 && picture.height <= 256,
      `a picture has ${picture.width} × ${picture.height} pixels`,
    );
    picture.notes.forEach(readable);
  },
};
