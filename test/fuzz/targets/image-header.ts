import { imageSize } from '../../../src/glb/image-size.js';
import { readImageHeader } from '../../../src/jobs/image-header.js';
import { IMAGE_TOKENS, imageSeeds } from '../image-seeds.js';
import { hold, type Target } from '../target.js';

export const target: Target = {
  about: 'images, by their first bytes',
  guides: ['/src/jobs/image-header', '/src/glb/image-size', '/src/glb/sniff', 'image-utils'],
  seeds: imageSeeds,
  tokens: IMAGE_TOKENS,
  run: (bytes) => {
    const header = readImageHeader(bytes);
    for (const side of header ? [header.width, header.height] : []) {
      hold(Number.isSafeInteger(side) && side >= 0, `a side of ${side} pixels`);
    }
    for (const side of imageSize(bytes) ?? []) hold(side > 0, `a side of ${side} pixels in a texture`);
  },
};
