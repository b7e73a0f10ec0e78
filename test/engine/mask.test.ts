import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { boxOf, cutOut } from '../../src/engine/mask.js';
import { decode } from '../../src/engine/pixels.js';
import type { Rgba } from './support.js';
import { drawn, overlap } from './support.js';

const SIZE = 160;
const ring = (x: number, y: number): boolean => Math.abs(Math.hypot(x - 84, y - 70) - 38) < 16;
const red: Rgba = [190, 40, 40, 255];
const clear: Rgba = [0, 0, 0, 0];

/** The ring in front of a backdrop. */
const inFront = (backdrop: (x: number, y: number) => Rgba, colour = red) =>
  drawn(SIZE, SIZE, (x, y) => (ring(x, y) ? colour : backdrop(x, y)));

const grain = (x: number, y: number): number => ((Math.floor(x) * 7919 + Math.floor(y) * 6271) % 11) - 5;

describe('cutOut', () => {
  it('takes the alpha channel where there is one', () => {
    const mask = cutOut(inFront(() => clear));
    expect(mask.method).toBe('alpha');
    expect(overlap(mask, ring)).toBe(1);
    expect(boxOf(mask)).toEqual({ x0: 30, y0: 16, x1: 138, y1: 124 });
  });

  it('finds an object with a hole on white', () => {
    const mask = cutOut(inFront(() => [255, 255, 255, 255]));
    expect(mask.method).toBe('border');
    expect(overlap(mask, ring)).toBeGreaterThan(0.97);
    expect(mask.confidence).toBeGreaterThan(0.8);
  });

  it('finds it on an uneven backdrop with grain', () => {
    const mask = cutOut(
      inFront((x, y) => {
        const light = 210 - 0.4 * x - 0.2 * y + grain(x, y);
        return [light, light, light - 6, 255];
      }),
    );
    expect(overlap(mask, ring)).toBeGreaterThan(0.96);
    expect(mask.confidence).toBeGreaterThan(0.6);
  });

  it('leaves a soft shadow to the backdrop', () => {
    const mask = cutOut(
      inFront((x, y) => {
        const light = 255 - 36 * Math.exp(-(((x - 84) / 40) ** 2) - ((y - 128) / 14) ** 2);
        return [light, light, light, 255];
      }),
    );
    expect(overlap(mask, ring)).toBeGreaterThan(0.95);
  });

  it('keeps a white spot that the object encloses', () => {
    const spot = (x: number, y: number): boolean => Math.hypot(x - 84, y - 32) < 9;
    const mask = cutOut(
      drawn(SIZE, SIZE, (x, y) => {
        if (spot(x, y)) return [236, 232, 228, 255];
        return ring(x, y) ? red : [255, 255, 255, 255];
      }),
    );
    expect(overlap(mask, ring)).toBeGreaterThan(0.97);
  });

  it('is not sure of an object in front of a busy backdrop of its colour', () => {
    const mask = cutOut(
      inFront(
        (x, y) => {
          const light = 120 + 45 * Math.sin(x / 5) * Math.cos(y / 7 + x / 11);
          return [light, light - 10, light - 30, 255];
        },
        [200, 150, 120, 255],
      ),
    );
    expect(mask.confidence).toBeLessThan(0.5);
  });

  it('is not sure of an object that leaves the picture', () => {
    const inside = (_x: number, y: number): boolean => y > 60;
    const mask = cutOut(drawn(SIZE, SIZE, (x, y) => (inside(x, y) ? red : [255, 255, 255, 255])));
    expect(mask.confidence).toBeLessThan(0.5);
  });

  it('takes a given silhouette of any resolution, white or opaque', () => {
    const photo = inFront((x, y) => [128 + 40 * Math.sin(x), 90 + 40 * Math.cos(y), 100, 255]);
    const white = drawn(SIZE * 2, SIZE * 2, (x, y) =>
      ring(x / 2, y / 2) ? [255, 255, 255, 255] : [0, 0, 0, 255],
    );
    const opaque = drawn(SIZE / 2, SIZE / 2, (x, y) => (ring(x * 2, y * 2) ? [0, 0, 0, 255] : clear));
    expect(cutOut(photo, { given: white })).toMatchObject({ method: 'given', confidence: 1 });
    expect(overlap(cutOut(photo, { given: white }), ring)).toBeGreaterThan(0.98);
    expect(overlap(cutOut(photo, { given: opaque }), ring)).toBeGreaterThan(0.94);
  });

  it('refuses a picture without an object and says what to send', () => {
    const refused = (colour: Rgba) => () =>
      cutOut(
        drawn(64, 64, () => colour),
        { field: 'left_image_url' },
      );
    for (const colour of [clear, [255, 255, 255, 255], [90, 120, 30, 255]] as const) {
      expect(refused(colour)).toThrow(
        expect.objectContaining({
          code: 'invalid_image',
          field: 'left_image_url',
          message: expect.stringMatching(/plain or transparent background/),
        }),
      );
    }
  });

  it('refuses an object that covers the frame', () => {
    const photo = inFront(() => [255, 255, 255, 255]);
    const full = drawn(SIZE, SIZE, () => [255, 255, 255, 255]);
    expect(() => cutOut(photo, { given: full })).toThrow(
      expect.objectContaining({
        code: 'invalid_image',
        field: 'mask_url',
        message: expect.stringMatching(/fills the whole frame/),
      }),
    );
    expect(() => cutOut(drawn(SIZE, SIZE, (x, y) => (x + y < 20 ? clear : red)))).toThrow(
      /fills the whole frame/,
    );
  });

  it('refuses a silhouette of other proportions', () => {
    const photo = inFront(() => clear);
    expect(() => cutOut(photo, { given: drawn(160, 80, () => [255, 255, 255, 255]) })).toThrow(
      expect.objectContaining({
        code: 'invalid_image',
        field: 'mask_url',
        message: expect.stringMatching(/160 x 80/),
      }),
    );
  });
});

describe('decode', () => {
  const png = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#804020' } });

  it('turns a picture upright by its EXIF orientation', async () => {
    const image = await png(40, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await decode(image, 'image_url')).toMatchObject({ width: 20, height: 40 });
  });

  it('reads CMYK, grey and 16-bit pictures as 8-bit sRGB with alpha', async () => {
    const images = [
      await png(8, 8).toColourspace('cmyk').jpeg().toBuffer(),
      await png(8, 8).greyscale().png().toBuffer(),
      await png(8, 8).toColourspace('rgb16').png().toBuffer(),
    ];
    for (const image of images) {
      const { width, height, data } = await decode(image, 'image_url');
      expect(data).toHaveLength(width * height * 4);
      expect(data[3]).toBe(255);
      expect(data[0]).toBeGreaterThan(60);
      expect(data[0]).toBeLessThan(150);
    }
  });

  it('takes the first frame of an animation and caps the size', async () => {
    const frames = Buffer.concat([Buffer.alloc(300, 250), Buffer.alloc(300, 10)]);
    const raw = { width: 10, height: 20, channels: 3, pageHeight: 10 } as const;
    const gif = await sharp(frames, { raw })
      .gif({ delay: [100, 100] })
      .toBuffer();
    const first = await decode(gif, 'image_url');
    expect(first).toMatchObject({ width: 10, height: 10 });
    expect(first.data[0]).toBeGreaterThan(200);
    expect(await decode(await png(3000, 1500).png().toBuffer(), 'image_url')).toMatchObject({
      width: 1024,
      height: 512,
    });
  });

  it('says which argument cannot be decoded', async () => {
    await expect(decode(Buffer.from('not a picture'), 'top_image_url')).rejects.toMatchObject({
      code: 'invalid_image',
      field: 'top_image_url',
    });
  });
});
