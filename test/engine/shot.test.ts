import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { boxOf } from '../../src/engine/mask.js';
import { takeShot } from '../../src/engine/shot.js';

/** A red ellipse in a large white picture that is stored lying on its side, as phones do. */
const photo = await sharp(
  Buffer.from(
    '<svg width="3200" height="2400"><rect width="100%" height="100%" fill="white"/><ellipse cx="800" cy="600" rx="300" ry="150" fill="#c02020"/></svg>',
  ),
)
  .withMetadata({ orientation: 6 })
  .jpeg()
  .toBuffer();

const ellipse = (background: string, fill: string): Promise<Buffer> =>
  sharp(
    Buffer.from(
      `<svg width="240" height="320"><rect width="100%" height="100%" fill="${background}"/><ellipse cx="180" cy="80" rx="15" ry="30" fill="${fill}"/></svg>`,
    ),
  )
    .png()
    .toBuffer();

describe('takeShot', () => {
  it('looks at a small object in a large picture from near', async () => {
    const { pixels, mask } = await takeShot('left', photo);
    const { x0, x1, y0, y1 } = boxOf(mask);
    expect(Math.max(pixels.width, pixels.height)).toBeLessThanOrEqual(1024);
    // Upright it is 300 wide and 600 high; the whole picture at 1024 pixels would leave it 192 high.
    expect(y1 - y0).toBeGreaterThan(560);
    expect((x1 - x0) / (y1 - y0)).toBeCloseTo(0.5, 1);
    const middle = 4 * (Math.round((y0 + y1) / 2) * pixels.width + Math.round((x0 + x1) / 2));
    expect(pixels.data[middle]).toBeGreaterThan(150);
    expect(pixels.data[middle + 1]).toBeLessThan(80);
  });

  it('crops a given mask alike', async () => {
    const { mask } = await takeShot('front', photo, await ellipse('black', 'white'));
    const { x0, x1, y0, y1 } = boxOf(mask);
    expect(mask.method).toBe('given');
    expect(y1 - y0).toBeGreaterThan(500);
    expect((x1 - x0) / (y1 - y0)).toBeCloseTo(0.5, 1);
  });

  it('leaves a small picture as it is', async () => {
    const { pixels } = await takeShot('front', await ellipse('white', '#204080'));
    expect([pixels.width, pixels.height]).toEqual([240, 320]);
  });
});
