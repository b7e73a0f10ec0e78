import sharp, { type Sharp } from 'sharp';
import { zlibSync } from 'fflate';
import { text } from './target.js';

/** Images of every format that is taken, small, and those that lie about their size. */
export async function imageSeeds(): Promise<Uint8Array[]> {
  const picture = (width = 9, height = 7): Sharp =>
    sharp({ create: { width, height, channels: 4, background: { r: 200, g: 30, b: 30, alpha: 0.5 } } });
  const frames = sharp(Buffer.alloc(4 * 8 * 16, 90), {
    raw: { width: 8, height: 16, channels: 4, pageHeight: 8 },
  });
  const real = await Promise.all([
    picture().png().toBuffer(),
    picture().png({ progressive: true }).toBuffer(),
    picture().png({ palette: true }).toBuffer(),
    picture(33, 20).jpeg().toBuffer(),
    picture(33, 20).jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    picture().webp({ lossless: true }).toBuffer(),
    picture().webp().toBuffer(),
    frames
      .clone()
      .webp({ loop: 0, delay: [10, 10] })
      .toBuffer(),
    frames
      .clone()
      .gif({ loop: 0, delay: [10, 10] })
      .toBuffer(),
    picture().gif().toBuffer(),
    picture().tiff().toBuffer(),
    picture().tiff({ compression: 'lzw', bigtiff: true }).toBuffer(),
    picture(16, 16).avif().toBuffer(),
  ]);
  return [
    ...real.map((bytes) => new Uint8Array(bytes)),
    ...bombs(),
    text('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  ];
}

export const IMAGE_TOKENS = [
  'IHDR', 'IDAT', 'IEND', 'PLTE', 'acTL', 'fcTL', 'iCCP', 'eXIf', 'tRNS', 'zTXt', 'RIFF', 'WEBP', 'VP8 ', 'VP8L', 'VP8X', 'ANIM', 'ANMF',
  'ICCP', 'ALPH', 'GIF89a', 'NETSCAPE2.0', 'II*\0', 'MM\0*', 'II+\0', 'ftyp', 'avif', 'avis', 'mif1', 'meta', 'iprp', 'ipco', 'ispe', 'grid',
  'iloc', 'pitm', '\xff\xd8\xff', '\xff\xc0', '\xff\xc2', '\xff\xda', '\xff\xd9', '\xff\xe1', 'Exif\0\0', '\x89PNG\r\n\x1a\n',
]; // prettier-ignore

/** Small files that promise a lot. */
function bombs(): Uint8Array[] {
  return [
    png(50_000, 50_000, zlibSync(new Uint8Array(1024))),
    // Within the limit of pixels, and a thousandth of them there.
    png(7000, 7000, zlibSync(new Uint8Array(100_000))),
    png(4000, 4000, zlibSync(new Uint8Array(4_000_000))),
    png(2 ** 31 - 1, 1, zlibSync(new Uint8Array(10))),
    jpeg(65_535, 65_535, 0xc0),
    jpeg(7000, 7000, 0xc0),
    jpeg(7000, 7000, 0xc2),
    // The size at the head of a GIF is not that of its frames.
    gif(1, 1, 65_535, 65_535),
    gif(60_000, 800, 1, 1),
  ];
}

/** One row of what was declared, or a little more. */
export function png(width: number, height: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width >>> 0, 0);
  header.writeUInt32BE(height >>> 0, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return new Uint8Array(
    Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]),
  );
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** @param frame 0xc0 for baseline, 0xc2 for progressive: the decoder then keeps all coefficients in memory */
export function jpeg(width: number, height: number, frame: number): Uint8Array {
  const words = (...values: number[]): number[] => values.flatMap((value) => [value >> 8, value & 0xff]);
  const component = (id: number): number[] => [id, 0x11, 0];
  return new Uint8Array([
    0xff, 0xd8,
    0xff, 0xdb, ...words(67), 0, ...Array.from({ length: 64 }, () => 1),
    0xff, frame, ...words(17), 8, ...words(height, width), 3, ...component(1), ...component(2), ...component(3),
    0xff, 0xc4, ...words(20), 0x00, 1, ...Array.from({ length: 15 }, () => 0), 0,
    0xff, 0xc4, ...words(20), 0x10, 1, ...Array.from({ length: 15 }, () => 0), 0,
    0xff, 0xda, ...words(12), 3, 1, 0, 2, 0, 3, 0, 0, frame === 0xc2 ? 0 : 63, 0,
    0, 0, 0, 0, 0xff, 0xd9,
  ]); // prettier-ignore
}

function gif(width: number, height: number, frameWidth: number, frameHeight: number): Uint8Array {
  const word = (value: number): number[] => [value & 0xff, value >> 8];
  return new Uint8Array([
    ...Buffer.from('GIF89a'), ...word(width), ...word(height), 0x80, 0, 0, 0, 0, 0, 255, 255, 255,
    0x2c, 0, 0, 0, 0, ...word(frameWidth), ...word(frameHeight), 0, 2, 2, 0x44, 0x01, 0, 0x3b,
  ]); // prettier-ignore
}
