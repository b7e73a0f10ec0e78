import { checkImage } from '../../../src/jobs/image-file.js';
import { readImageHeader } from '../../../src/jobs/image-header.js';
import { IMAGE_TOKENS, imageSeeds } from '../image-seeds.js';
import { hold, type Target, unless } from '../target.js';

export const target: Target = {
  about: 'images, decoded before they are sent',
  guides: ['/src/jobs/image', '/src/jobs/foreign-kind'],
  seeds: imageSeeds,
  tokens: IMAGE_TOKENS,
  quick: 100,
  run: async (bytes) => {
    const image = await unless(['invalid_image', 'too_large'], () => checkImage(bytes, 'image_url'));
    if (!image) return;
    const header = readImageHeader(image.bytes);
    hold(header?.format === image.format, `what is called ${image.format} is ${header?.format ?? 'nothing'}`);
    hold(image.width * image.height <= 50_000_000, `${image.width} × ${image.height} pixels were taken`);
  },
};
