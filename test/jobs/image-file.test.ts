import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkImage, MAX_IMAGE_BYTES } from '../../src/jobs/image-file.js';

/** A picture with a red left and a blue right half: wide, so that a turn shows. */
function picture(width = 40, height = 20): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels[i * 3 + (i % width < width / 2 ? 0 : 2)] = 255;
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Grey noise, which does not compress. */
function noise(width: number, height: number): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  let seed = 1;
  for (let i = 0; i < pixels.length; i++) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    pixels[i] = seed >>> 16;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Two frames, red and green. */
async function animation(format: 'gif' | 'webp'): Promise<Buffer> {
  const frames = Buffer.alloc(10 * 20 * 3);
  frames.forEach((_, i) => {
    frames[i] = i % 3 === (i < 10 * 10 * 3 ? 0 : 1) ? 255 : 0;
  });
  return sharp(frames, { raw: { width: 10, height: 20, channels: 3, pageHeight: 10 } })
    .toFormat(format, { loop: 0, delay: [100, 100], lossless: true })
    .toBuffer();
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
}

/** A few bytes that claim a PNG of any size. */
function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The image with the size in its header replaced by another one. */
async function bomb(
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif',
  size = 60_000,
): Promise<Buffer> {
  const bytes = await picture(64, 32)
    .toFormat(format, format === 'webp' ? { lossless: true } : {})
    .toBuffer();
  if (format === 'png') return pngOf(size, size);
  if (format === 'gif') {
    bytes.writeUInt16LE(size, 6);
    bytes.writeUInt16LE(size, 8);
  } else if (format === 'jpeg') {
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    bytes.writeUInt16BE(size, frame + 5);
    bytes.writeUInt16BE(size, frame + 7);
  } else if (format === 'webp') {
    // 14 bits each: 16384 × 16384 is as far as it goes.
    bytes.writeUInt32LE(0x0fffffff, 21);
  } else if (format === 'avif') {
    const at = bytes.indexOf('ispe');
    bytes.writeUInt32BE(size, at + 8);
    bytes.writeUInt32BE(size, at + 12);
  } else {
    const directory = bytes.readUInt32LE(4);
    for (let entry = directory + 2; entry < directory + 2 + bytes.readUInt16LE(directory) * 12; entry += 12) {
      const tag = bytes.readUInt16LE(entry);
      if (tag !== 256 && tag !== 257) continue;
      bytes.writeUInt16LE(4, entry + 2);
      bytes.writeUInt32LE(size, entry + 8);
    }
  }
  return bytes;
}

/** The colour of a pixel after decoding, as `r,g,b`. */
async function colourAt(bytes: Uint8Array, left: number, top: number): Promise<string> {
  const pixel = await sharp(bytes)
    .extract({ left, top, width: 1, height: 1 })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return [...pixel.subarray(0, 3)].join(',');
}

describe('images that go on as they are', () => {
  it.each([
    ['a PNG', 'png', () => picture().png()],
    ['a PNG with transparency', 'png', () => picture().ensureAlpha(0.5).png()],
    ['a PNG with a palette', 'png', () => picture().png({ palette: true })],
    ['an interlaced PNG', 'png', () => picture().png({ progressive: true })],
    ['a grey PNG', 'png', () => picture().greyscale().png()],
    ['a PNG with 16 bits', 'png', () => picture().toColourspace('rgb16').png()],
    ['a JPEG', 'jpeg', () => picture().jpeg()],
    ['a progressive JPEG', 'jpeg', () => picture().jpeg({ progressive: true })],
    ['a CMYK JPEG', 'jpeg', () => picture().toColourspace('cmyk').jpeg()],
    [
      'a JPEG with EXIF, ICC and XMP',
      'jpeg',
      () =>
        picture()
          .withMetadata()
          .withExif({ IFD0: { Copyright: 'x' } })
          .jpeg(),
    ],
    ['a turned JPEG', 'jpeg', () => picture().withMetadata({ orientation: 6 }).jpeg()],
    ['a lossy WebP', 'webp', () => picture().webp()],
    ['a lossless WebP', 'webp', () => picture().webp({ lossless: true })],
    ['a WebP with transparency', 'webp', () => picture().ensureAlpha(0.5).webp()],
    ['a turned WebP', 'webp', () => picture().withMetadata({ orientation: 8 }).webp()],
  ] satisfies [string, string, () => Sharp][])('%s', async (_what, format, make) => {
    const bytes = await make().toBuffer();
    const image = await checkImage(bytes, 'image_url');
    expect(image).toMatchObject({
      format,
      mimeType: `image/${format}`,
      width: 40,
      height: 20,
      converted: false,
    });
    expect(image.bytes).toBe(bytes);
  });

  it.each([1, 2, 3])('one pixel wide or high: %i', async (size) => {
    for (const [width, height] of [
      [size, 1],
      [1, size],
    ] satisfies [number, number][]) {
      for (const format of ['png', 'jpeg', 'webp'] as const) {
        const image = await checkImage(await picture(width, height).toFormat(format).toBuffer(), 'image_url');
        expect(image).toMatchObject({ width, height, format });
      }
    }
  });

  it('in a part of a larger buffer', async () => {
    const bytes = await picture().png().toBuffer();
    const larger = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5)]);
    const image = await checkImage(
      new Uint8Array(larger.buffer, larger.byteOffset + 3, bytes.length),
      'image_url',
    );
    expect(image).toMatchObject({ width: 40, height: 20 });
  });

  it('many at once', async () => {
    const bytes = await picture(300, 200).png().toBuffer();
    const images = await Promise.all(Array.from({ length: 12 }, () => checkImage(bytes, 'image_url')));
    expect(images.map(({ width }) => width)).toEqual(Array(12).fill(300));
  });
});

describe('images that are converted to PNG', () => {
  it.each([
    ['AVIF', () => picture().avif({ lossless: true })],
    ['AVIF with 10 bits', () => picture().avif({ bitdepth: 10, quality: 90 })],
    ['TIFF', () => picture().tiff()],
    ['TIFF with LZW', () => picture().tiff({ compression: 'lzw' })],
    ['big TIFF', () => picture().tiff({ bigtiff: true })],
    ['CMYK TIFF', () => picture().toColourspace('cmyk').tiff()],
    ['TIFF with 16 bits', () => picture().toColourspace('rgb16').tiff()],
    ['GIF', () => picture().gif()],
  ] satisfies [string, () => Sharp][])('%s', async (_what, make) => {
    const image = await checkImage(await make().toBuffer(), 'image_url');
    expect(image).toMatchObject({
      format: 'png',
      mimeType: 'image/png',
      width: 40,
      height: 20,
      converted: true,
    });
    expect(await sharp(image.bytes).metadata()).toMatchObject({
      format: 'png',
      width: 40,
      height: 20,
      depth: 'uchar',
    });
    const [red = 0, , blue = 255] = (await colourAt(image.bytes, 5, 10)).split(',').map(Number);
    expect(red).toBeGreaterThan(150);
    expect(blue).toBeLessThan(100);
  });

  it.each(['gif', 'webp'] as const)('the first frame of an animated %s', async (format) => {
    const bytes = await animation(format);
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const image = await checkImage(bytes, 'image_url');
    expect(image).toMatchObject({ format: 'png', width: 10, height: 10, converted: true });
    expect(await colourAt(image.bytes, 5, 5)).toBe('255,0,0');
  });

  it('a turned TIFF, turned', async () => {
    const image = await checkImage(
      await picture().withMetadata({ orientation: 6 }).tiff({ compression: 'lzw' }).toBuffer(),
      'image_url',
    );
    expect(image).toMatchObject({ width: 20, height: 40 });
    expect(await colourAt(image.bytes, 10, 5)).toBe('255,0,0');
  });

  it('transparency is kept', async () => {
    const image = await checkImage(await picture().ensureAlpha(0).avif().toBuffer(), 'image_url');
    expect((await sharp(image.bytes).metadata()).hasAlpha).toBe(true);
  });
});

describe('images that are refused', () => {
  const refusal = async (bytes: Uint8Array): Promise<unknown> =>
    checkImage(bytes, 'left_image_url').catch((error: unknown) => error);

  it('an empty file', async () => {
    expect(await refusal(new Uint8Array())).toMatchObject({
      code: 'invalid_image',
      field: 'left_image_url',
      message: expect.stringMatching(/^left_image_url is an empty file/),
    });
  });

  it('a file over the limit', async () => {
    const bytes = Buffer.alloc(MAX_IMAGE_BYTES + 1);
    (await picture().png().toBuffer()).copy(bytes);
    expect(await refusal(bytes)).toMatchObject({ code: 'too_large', field: 'left_image_url' });
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'a small %s that claims hundreds of megapixels, from its header alone',
    async (format) => {
      expect(await refusal(await bomb(format))).toMatchObject({
        code: 'invalid_image',
        message: expect.stringMatching(/\d{3,} megapixels\. Scale it down/),
      });
    },
  );

  it('an AVIF that would take more memory than a picture of another format', async () => {
    expect(await refusal(await bomb('avif', 5000))).toMatchObject({
      message: expect.stringContaining('25 megapixels. Scale it down to 20'),
    });
  });

  it('a GIF whose frame is larger than the GIF', async () => {
    const bytes = await picture(64, 32).gif().toBuffer();
    const frame = bytes.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 64, 0, 32, 0]));
    bytes.writeUInt16LE(60_000, frame + 5);
    bytes.writeUInt16LE(800, frame + 7);
    expect(await refusal(bytes)).toMatchObject({ message: expect.stringContaining('60000 × 800') });
  });

  it.each(['png', 'jpeg', 'gif'] as const)(
    'a small %s that claims more pixels than its bytes can hold',
    async (format) => {
      const claimed = await bomb(format, 6000);
      expect(await refusal(claimed)).toMatchObject({
        code: 'invalid_image',
        message: expect.stringMatching(/6000 × 6000 pixels, which \d+ bytes of \w+ cannot hold/),
      });
    },
  );

  it('plain images that are as small as their size allows are taken', async () => {
    const plain = sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#fff' } });
    const smallest = [
      plain.clone().png({ compressionLevel: 9 }),
      plain.clone().png({ palette: true, colours: 2, compressionLevel: 9 }),
      plain.clone().jpeg({ quality: 1, progressive: true }),
      plain.clone().gif(),
    ];
    for (const image of smallest)
      await expect(checkImage(await image.toBuffer(), 'image_url')).resolves.toBeDefined();
  });

  it('200 megapixels, and just over 50', async () => {
    expect(await refusal(pngOf(20_000, 10_000))).toMatchObject({
      message: expect.stringContaining('200 megapixels'),
    });
    expect(await refusal(pngOf(50_001, 1000))).toMatchObject({
      message: expect.stringContaining('51 megapixels'),
    });
  });

  it.each([
    [0, 10],
    [10, 0],
  ])('%i × %i pixels', async (width, height) => {
    expect(await refusal(pngOf(width, height))).toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining('without pixels'),
    });
  });

  describe.each([
    ['png', () => noise(80, 60).png()],
    ['jpeg', () => noise(80, 60).jpeg()],
    ['progressive jpeg', () => noise(80, 60).jpeg({ progressive: true })],
    ['webp', () => noise(80, 60).webp()],
    ['lossless webp', () => noise(80, 60).webp({ lossless: true })],
    ['gif', () => noise(80, 60).gif()],
    ['tiff', () => noise(80, 60).tiff()],
    ['avif', () => noise(80, 60).avif()],
  ] satisfies [string, () => Sharp][])('a %s that is cut off', (_format, make) => {
    let whole: Buffer;
    beforeAll(async () => {
      whole = await make().toBuffer();
    });

    it.each([0.1, 0.5, 0.9, 0.98])('after %d of it', async (part) => {
      expect(await refusal(whole.subarray(0, Math.floor(whole.length * part)))).toMatchObject({
        code: 'invalid_image',
        field: 'left_image_url',
      });
    });

    it('anywhere in its first bytes', async () => {
      for (let length = 1; length < 64; length++) {
        expect(await refusal(whole.subarray(0, length)), `${length} bytes`).toMatchObject({
          code: 'invalid_image',
        });
      }
    });

    it('at the end, where nothing is missing, it is an image', async () => {
      expect(await refusal(whole)).toMatchObject({ width: 80, height: 60 });
    });
  });

  it.each([
    ['an SVG drawing', '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'],
    ['an SVG drawing', '\ufeff<?xml version="1.0"?>\n<!-- x --><!DOCTYPE svg>\n<svg></svg>'],
    ['a web page (HTML)', '<!doctype html><html><body><svg></svg></body></html>'],
    ['a web page (HTML)', '\n\n<HTML><head><title>Sign in</title>'],
    ['XML text', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['JSON text', '{"error": "not found"}'],
    ['a PDF document', '%PDF-1.7\n'],
    ['a PostScript file', '%!PS-Adobe'],
    ['text', 'iVBORw0KGgoAAAANSUhEUgAA'],
    ['text', 'just some words'],
    ['a Photoshop file', '8BPS\0\x01'],
    ['a HEIC photo', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['a HEIC photo', '\0\0\0\x18ftypmif1\0\0\0\0mif1heic'],
    ['a video', '\0\0\0\x18ftypmp42\0\0\0\0mp42isom'],
    ['a video', '\x1a\x45\xdf\xa3webm'],
    ['a BMP image', 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0'],
    ['an icon file', '\0\0\x01\0\x01\0\x10\x10'],
    ['a JPEG XL image', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['a 3D model (GLB)', 'glTF\x02\0\0\0'],
    ['an archive (ZIP)', 'PK\x03\x04\x14\0'],
    ['a compressed file (gzip)', '\x1f\x8b\x08\0'],
    ['a program', '\x7fELF\x02\x01'],
    ['a file of an unknown kind', '\0\x01\x02\x03\x04\x05\x06\x07'],
  ])('%s: %j', async (kind, content) => {
    const bytes = Buffer.from(content, /[\x80-\xff]/.test(content) ? 'latin1' : 'utf8');
    expect(await refusal(bytes)).toMatchObject({
      code: 'invalid_image',
      field: 'left_image_url',
      message: `left_image_url is ${kind}, not an image that can be used. Send the image itself, as PNG, JPEG or WebP.`,
    });
  });

  it('this source file', async () => {
    expect(await refusal(readFileSync(new URL(import.meta.url)))).toMatchObject({ code: 'invalid_image' });
  });

  it('a raw photo, which shows only a preview', async () => {
    const bytes = await picture().tiff().toBuffer();
    const directory = bytes.readUInt32LE(4);
    // The first entry becomes NewSubfileType = reduced.
    bytes.writeUInt16LE(254, directory + 2);
    bytes.writeUInt16LE(4, directory + 4);
    bytes.writeUInt32LE(1, directory + 10);
    expect(await refusal(bytes)).toMatchObject({ message: expect.stringContaining('raw photo') });
  });

  it('bytes with the right beginning and nonsense behind it', async () => {
    const nonsense = Buffer.alloc(2000, 0xa5);
    for (const start of [
      '\x89PNG\r\n\x1a\n',
      '\xff\xd8\xff',
      'RIFF\x10\0\0\0WEBP',
      'GIF89a',
      'II*\0',
      'MM\0*',
    ]) {
      const bytes = Buffer.concat([Buffer.from(start, 'latin1'), nonsense]);
      expect(await refusal(bytes), start).toMatchObject({ code: 'invalid_image' });
    }
  });

  it('an image that grows over the limit as PNG', async () => {
    const bytes = await noise(2900, 2600).tiff({ compression: 'jpeg', quality: 80 }).toBuffer();
    expect(bytes.length).toBeLessThan(MAX_IMAGE_BYTES);
    expect(await refusal(bytes)).toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('after it was converted to PNG'),
    });
  });
});

it('refuses a JPEG in several scans whose decoder would take too much at once', async () => {
  const size = [0x1b, 0x58];
  const frame = [0xff, 0xc2, 0x00, 0x11, 0x08, ...size, ...size, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
  const bytes = Uint8Array.from([0xff, 0xd8, ...frame, ...Array<number>(200_000).fill(0)]);
  await expect(checkImage(bytes, 'image_url')).rejects.toThrow(/7000 × 7000 pixels.*40 megapixels or less/);
});
