import type { Texture } from '@gltf-transform/core';
import type { Sharp } from 'sharp';
import sharp from '../sharp.js';
import { imageSize } from './image-size.js';
import { decodeKtx2 } from './ktx2.js';
import { LIMITS } from './limits.js';
import { sniff } from './sniff.js';

/** Textures as the renderer samples them: sides that are powers of two, with all mip levels. */

/** 8-bit RGBA with straight alpha, row by row from the top left. */
export interface RawImage {
  width: number;
  height: number;
  data: Uint8Array;
}

export interface MipTexture {
  /** Full size first; each level has half the sides of the one before, at least 1. */
  levels: RawImage[];
  /** The largest alpha is below this nowhere: 255 when the texture is opaque. */
  minAlpha: number;
}

/** Pixels of all full-size levels together; with mip levels 4/3 of it in memory, times four bytes. */
const PIXEL_BUDGET = 24 * 2 ** 20;
const MAX_SIDE = 1024;
/** As many as libuv has threads; each takes a few megabytes while it runs. */
const PARALLEL = 4;

/** Decoded textures by the texture of the document; what could not be decoded is missing. */
export interface DecodedTextures {
  textures: Map<Texture, MipTexture>;
  failed: Texture[];
}

/**
 * Decodes textures at no more than 1024 px per side (less when there are very many). The work is done in libvips'
 * threads and has begun when this returns.
 *
 * @param color textures that hold colours; the others hold data, which is averaged as it is
 */
export async function decodeTextures(
  all: ReadonlySet<Texture>,
  color: ReadonlySet<Texture>,
): Promise<DecodedTextures> {
  const side = Math.min(MAX_SIDE, floorPowerOfTwo(Math.sqrt(PIXEL_BUDGET / Math.max(1, all.size))));
  const textures = new Map<Texture, MipTexture>();
  const failed: Texture[] = [];
  const queue = [...all];
  const work = async (): Promise<void> => {
    for (let texture = queue.shift(); texture !== undefined; texture = queue.shift()) {
      try {
        const bytes = texture.getImage();
        if (!bytes) throw new Error('no image');
        textures.set(texture, withMips(await decodeImage(bytes, side), color.has(texture)));
      } catch {
        failed.push(texture);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { textures, failed };
}

async function decodeImage(bytes: Uint8Array, side: number): Promise<RawImage> {
  const { format } = sniff(bytes);
  if (format === 'ktx2') {
    const { width, height, data } = await decodeKtx2(bytes, side);
    return resize(sharp(data, { raw: { width, height, channels: 4 } }), [width, height], side);
  }
  // By the bytes: other formats that sharp would open (SVG above all) have no place in a GLB.
  if (format !== 'png' && format !== 'jpeg' && format !== 'webp' && format !== 'avif') {
    throw new Error(`not a texture format: ${format}`);
  }
  const size = imageSize(bytes);
  if (!size) throw new Error('the size cannot be read');
  // glTF says to ignore colour profiles (3.9.2); EXIF rotation is not applied either.
  return resize(sharp(bytes, { limitInputPixels: LIMITS.imagePixels, ignoreIcc: true }), size, side);
}

async function resize(image: Sharp, [width, height]: [number, number], side: number): Promise<RawImage> {
  const target = {
    width: Math.min(side, nearestPowerOfTwo(width)),
    height: Math.min(side, nearestPowerOfTwo(height)),
  };
  const data = await image
    .resize({ ...target, fit: 'fill' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer();
  return { ...target, data };
}

function withMips(full: RawImage, color: boolean): MipTexture {
  const levels = [full];
  for (let last = full; last.width > 1 || last.height > 1;) {
    last = half(last, color);
    levels.push(last);
  }
  let minAlpha = 255;
  for (let i = 3; i < full.data.length; i += 4) minAlpha = Math.min(minAlpha, full.data[i] ?? 255);
  return { levels, minAlpha };
}

/** Averages 2 × 2 pixels; colours in linear light. */
function half(image: RawImage, color: boolean): RawImage {
  const width = Math.max(1, image.width >> 1);
  const height = Math.max(1, image.height >> 1);
  const data = new Uint8Array(4 * width * height);
  const right = image.width > 1 ? 4 : 0;
  const down = image.height > 1 ? 4 * image.width : 0;
  const source = image.data;
  for (let y = 0; y < height; y++) {
    let from = (image.height > 1 ? 2 * y : y) * 4 * image.width;
    let to = 4 * y * width;
    for (let x = 0; x < width; x++, from += 2 * right, to += 4) {
      for (let c = 0; c < 4; c++) {
        const p = source[from + c] ?? 0;
        const q = source[from + right + c] ?? 0;
        const r = source[from + down + c] ?? 0;
        const s = source[from + down + right + c] ?? 0;
        data[to + c] =
          color && c < 3
            ? linearToSrgb(
                ((toLinear[p] ?? 0) + (toLinear[q] ?? 0) + (toLinear[r] ?? 0) + (toLinear[s] ?? 0)) / 4,
              )
            : (p + q + r + s + 2) >> 2;
      }
    }
  }
  return { width, height, data };
}

/** Linear light, 0 to 1, of an 8-bit sRGB value (IEC 61966-2-1). */
export const toLinear: Float32Array = Float32Array.from({ length: 256 }, (_, i) => {
  const value = i / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

const STEPS = 4096;
const fromLinear: Uint8Array = Uint8Array.from({ length: STEPS + 1 }, (_, i) => {
  const value = i / STEPS;
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
});

/** 8-bit sRGB of linear light; what is outside 0 to 1 is clipped. */
export function linearToSrgb(value: number): number {
  return value >= 1 ? 255 : value > 0 ? (fromLinear[(value * STEPS + 0.5) | 0] ?? 255) : 0;
}

function floorPowerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, value))));
}

function nearestPowerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(Math.max(1, value))));
}
