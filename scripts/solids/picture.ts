import sharp from 'sharp';
import type { Colour, Part, Solid, Vec3 } from './sdf.js';
import { SAFE_STEP, boundsOf } from './sdf.js';

/** Orthographic pictures of a solid with a light that is fixed to the camera. */

export type Side = 'front' | 'left' | 'back' | 'right' | 'top';

interface Camera {
  right: Vec3;
  up: Vec3;
  toCamera: Vec3;
}

/** Stated here once more, apart from the generator's own, so that a mistake in one of them shows. */
const cameras: Record<Side, Camera> = {
  front: { right: [1, 0, 0], up: [0, 1, 0], toCamera: [0, 0, 1] },
  left: { right: [0, 0, 1], up: [0, 1, 0], toCamera: [-1, 0, 0] },
  back: { right: [-1, 0, 0], up: [0, 1, 0], toCamera: [0, 0, -1] },
  right: { right: [0, 0, -1], up: [0, 1, 0], toCamera: [1, 0, 0] },
  top: { right: [1, 0, 0], up: [0, 0, -1], toCamera: [0, 1, 0] },
};

/** In camera space: from above, left of the camera. */
const light: Vec3 = [-0.45, 0.5, 0.74];
const AMBIENT = 0.22;

export interface PictureOptions {
  /** Width and height in pixels. */
  size: number;
  background: 'transparent' | 'white' | 'studio';
}

/** RGBA, straight alpha, row by row from the top. */
export function picture(solid: Solid, side: Side, { size, background }: PictureOptions): Uint8Array {
  const { min, max } = boundsOf(solid);
  const span = Math.max(max[0] - min[0], max[1] - min[1], max[2] - min[2]);
  const middle: Vec3 = [(min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2];
  const pixel = (span * 1.16) / size;
  const camera = cameras[side];
  const shade = (u: number, v: number): Colour | undefined => {
    const [a, b, c] = [(u - size / 2) * pixel, (size / 2 - v) * pixel, span];
    return trace(
      solid,
      camera,
      [
        middle[0] + a * camera.right[0] + b * camera.up[0] + c * camera.toCamera[0],
        middle[1] + a * camera.right[1] + b * camera.up[1] + c * camera.toCamera[1],
        middle[2] + a * camera.right[2] + b * camera.up[2] + c * camera.toCamera[2],
      ],
      span * 2,
    );
  };

  const first: (Colour | undefined)[] = [];
  for (let j = 0; j < size; j += 1) for (let i = 0; i < size; i += 1) first.push(shade(i + 0.5, j + 0.5));
  const out = new Uint8Array(size * size * 4);
  for (let at = 0; at < first.length; at += 1) {
    const hit = first[at] !== undefined;
    const rim = [1, -1, size, -size].some((step) => (first[at + step] !== undefined) !== hit);
    // Only the rim is sampled more than once: it is what a silhouette is cut from.
    const samples = rim
      ? subPixels.map(([du, dv]) => shade((at % size) + du, Math.floor(at / size) + dv))
      : [first[at]];
    const seen = samples.filter((colour) => colour !== undefined);
    const alpha = seen.length / samples.length;
    const ground = backdrop(background, at % size, Math.floor(at / size), size);
    for (let c = 0; c < 3; c += 1) {
      const own = seen.reduce((sum, colour) => sum + (colour[c] ?? 0), 0) / Math.max(1, seen.length);
      out[4 * at + c] = background === 'transparent' ? own : own * alpha + (ground[c] ?? 0) * (1 - alpha);
    }
    out[4 * at + 3] = background === 'transparent' ? Math.round(255 * alpha) : 255;
  }
  return out;
}

/** The same as a PNG file. */
export async function pictureFile(solid: Solid, side: Side, options: PictureOptions): Promise<Uint8Array> {
  const raw = { width: options.size, height: options.size, channels: 4 } as const;
  return sharp(picture(solid, side, options), { raw })
    .png({ compressionLevel: 3 })
    .toBuffer();
}

const subPixels = [1 / 6, 3 / 6, 5 / 6].flatMap((v) => [1 / 6, 3 / 6, 5 / 6].map((u) => [u, v] as const));

/** `studio`: an uneven grey backdrop with grain, always the same. */
function backdrop(background: PictureOptions['background'], i: number, j: number, size: number): Colour {
  if (background !== 'studio') return [255, 255, 255];
  // A well-mixed hash of the position stands for grain.
  let hash = Math.imul(j * size + i + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  const noise = (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 - 0.5) * 10;
  const fall = 205 - 60 * ((i / size - 0.4) ** 2 + (j / size - 0.3) ** 2) + noise;
  return [fall, fall * 0.99, fall * 0.97];
}

function trace(
  solid: Solid,
  { right, up, toCamera }: Camera,
  start: Vec3,
  reach: number,
): Colour | undefined {
  const parts = solid.parts.filter(({ min, max }) => onRay(min, max, start, toCamera));
  if (parts.length === 0) return undefined;
  const far = reach / 20_000;
  let travelled = 0;
  for (let step = 0; step < 400 && travelled < reach; step += 1) {
    const x = start[0] - travelled * toCamera[0];
    const y = start[1] - travelled * toCamera[1];
    const z = start[2] - travelled * toCamera[2];
    const { distance, part } = nearest(parts, x, y, z);
    if (part && distance < far) {
      // Shading sees every part: the normal at a joint is that of the union.
      const e = far * 4;
      const n: Vec3 = [
        part.distance(x + e, y, z) - part.distance(x - e, y, z),
        part.distance(x, y + e, z) - part.distance(x, y - e, z),
        part.distance(x, y, z + e) - part.distance(x, y, z - e),
      ];
      const length = Math.hypot(...n) || 1;
      const facing = (axis: Vec3): number => (n[0] * axis[0] + n[1] * axis[1] + n[2] * axis[2]) / length;
      const lit = facing(right) * light[0] + facing(up) * light[1] + facing(toCamera) * light[2];
      const paint = typeof part.paint === 'function' ? part.paint(x, y, z) : part.paint;
      const bright = AMBIENT + (1 - AMBIENT) * Math.max(0, lit);
      return [encode(paint[0], bright), encode(paint[1], bright), encode(paint[2], bright)];
    }
    travelled += Math.max(distance * SAFE_STEP, far / 2);
  }
  return undefined;
}

function onRay(min: Vec3, max: Vec3, start: Vec3, along: Vec3): boolean {
  for (const axis of [0, 1, 2] as const) {
    if (along[axis] === 0 && (start[axis] < min[axis] || start[axis] > max[axis])) return false;
  }
  return true;
}

function nearest(
  parts: Part[],
  x: number,
  y: number,
  z: number,
): { distance: number; part: Part | undefined } {
  let distance = Infinity;
  let part: Part | undefined;
  for (const candidate of parts) {
    const d = candidate.distance(x, y, z);
    if (d < distance) {
      distance = d;
      part = candidate;
    }
  }
  return { distance, part };
}

function encode(colour: number, bright: number): number {
  const linear = (colour / 255) ** 2.2 * bright;
  return 255 * Math.min(1, linear) ** (1 / 2.2);
}
