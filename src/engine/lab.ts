import type { Pixels } from './types.js';

/** Colour as an eye sees it. */

/** CIE Lab (D65) of every pixel. */
export function toLab({ width, height, data }: Pixels): Float32Array {
  const lab = new Float32Array(width * height * 3);
  for (let at = 0; at < width * height; at += 1) writeLab(data, 4 * at, lab, 3 * at);
  return lab;
}

/** CIE Lab (D65) of one sRGB pixel at `from`, written to three numbers at `to`. */
export function writeLab(rgb: Uint8Array, from: number, lab: Float32Array, to: number): void {
  const r = linear[rgb[from] ?? 0] ?? 0;
  const g = linear[rgb[from + 1] ?? 0] ?? 0;
  const b = linear[rgb[from + 2] ?? 0] ?? 0;
  const x = cube((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = cube(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = cube((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  lab[to] = 116 * y - 16;
  lab[to + 1] = 500 * (x - y);
  lab[to + 2] = 200 * (y - z);
}

/** sRGB byte to linear light, 0 to 1. */
export const linear = Float32Array.from({ length: 256 }, (_, byte) => {
  const c = byte / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
});

const CUBE_STEPS = 4096;
const cubes = Float32Array.from({ length: CUBE_STEPS + 2 }, (_, at) => {
  const t = at / CUBE_STEPS;
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
});

function cube(t: number): number {
  const at = Math.min(1, t) * CUBE_STEPS;
  const low = Math.floor(at);
  const before = cubes[low] ?? 0;
  return before + (at - low) * ((cubes[low + 1] ?? 0) - before);
}
