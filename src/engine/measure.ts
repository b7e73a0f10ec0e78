import { linear } from './lab.js';
import type { Mask, PixelBox, Pixels } from './types.js';

/** What a picture tells about the kind of object in it. Taken at one fixed resolution, so that it never depends on the grid. */
export interface Measures {
  /** Share of the outline that runs along the picture's axes, 0 to 1. */
  rectilinear: number;
  /** How much the light falls off across the object's rows: near 0 for flat faces, about 1 for round ones. */
  roundness: number;
  /** 0 for a rounded object to 1 for a box: straight outline and flat light. */
  boxiness: number;
  /** Overlap of the silhouette with its mirror image, intersection over union. */
  symmetry: number;
  /** Share of the rows in which the silhouette has gaps. */
  gaps: number;
}

/** Samples along the longer side of the object's box. */
const SIDE = 192;
const MARGIN = 6;
/** An outline runs along an axis when its direction is within this angle of it, radians. */
const AXIS_ANGLE = 0.1;

export function measure(pixels: Pixels, mask: Mask, box: PixelBox): Measures {
  const raster = resample(pixels, mask, box);
  const rectilinear = rectilinearity(raster);
  const roundness = lightFall(raster);
  return {
    rectilinear,
    roundness,
    boxiness: ramp(rectilinear, 0.4, 0.65) * (1 - ramp(roundness, 0.5, 0.9)),
    ...rowsOf(raster),
  };
}

/** 0 below `from`, 1 above `to`, straight between them. */
export function ramp(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}

interface Raster {
  width: number;
  height: number;
  inside: Uint8Array;
  /** Luminance in linear light, 0 to 1. */
  light: Float32Array;
}

function resample(pixels: Pixels, mask: Mask, box: PixelBox): Raster {
  const step = Math.max(box.x1 - box.x0, box.y1 - box.y0) / SIDE;
  const width = Math.ceil((box.x1 - box.x0) / step) + 2 * MARGIN;
  const height = Math.ceil((box.y1 - box.y0) / step) + 2 * MARGIN;
  const inside = new Uint8Array(width * height);
  const light = new Float32Array(width * height);
  for (let j = 0; j < height; j += 1) {
    const y = Math.floor(box.y0 + (j - MARGIN + 0.5) * step);
    if (y < 0 || y >= mask.height) continue;
    for (let i = 0; i < width; i += 1) {
      const x = Math.floor(box.x0 + (i - MARGIN + 0.5) * step);
      if (x < 0 || x >= mask.width) continue;
      const from = y * mask.width + x;
      if ((mask.data[from] ?? 0) === 0) continue;
      inside[j * width + i] = 1;
      light[j * width + i] =
        0.2126 * (linear[pixels.data[4 * from] ?? 0] ?? 0) +
        0.7152 * (linear[pixels.data[4 * from + 1] ?? 0] ?? 0) +
        0.0722 * (linear[pixels.data[4 * from + 2] ?? 0] ?? 0);
    }
  }
  return { width, height, inside, light };
}

/** By the gradient of the blurred silhouette, whose length summed up is the length of the outline. */
function rectilinearity({ width, height, inside }: Raster): number {
  let soft = Float32Array.from(inside);
  for (let round = 0; round < 4; round += 1) soft = binomial(soft, width, height);
  let along = 0;
  let total = 0;
  for (let j = 1; j < height - 1; j += 1) {
    for (let i = 1; i < width - 1; i += 1) {
      const at = j * width + i;
      const gx = Math.abs((soft[at + 1] ?? 0) - (soft[at - 1] ?? 0));
      const gy = Math.abs((soft[at + width] ?? 0) - (soft[at - width] ?? 0));
      const length = Math.sqrt(gx * gx + gy * gy);
      if (length < 1e-3) continue;
      total += length;
      if (Math.min(gx, gy) < Math.tan(AXIS_ANGLE) * Math.max(gx, gy)) along += length;
    }
  }
  return total === 0 ? 0 : along / total;
}

function binomial(field: Float32Array, width: number, height: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(field.length);
  for (let j = 1; j < height - 1; j += 1) {
    for (let at = j * width + 1; at < (j + 1) * width - 1; at += 1) {
      const above = at - width;
      const below = at + width;
      const corners =
        (field[above - 1] ?? 0) + (field[above + 1] ?? 0) + (field[below - 1] ?? 0) + (field[below + 1] ?? 0);
      const edges = (field[above] ?? 0) + (field[at - 1] ?? 0) + (field[at + 1] ?? 0) + (field[below] ?? 0);
      out[at] = (corners + 2 * edges + 4 * (field[at] ?? 0)) / 16;
    }
  }
  return out;
}

/** Rows under this length say nothing about the light. */
const SHORTEST = 12;

/**
 * The median over the rows (by their length) of the range of a parabola fitted to the light along the row, as a
 * share of its mean. Stripes and pictures on the object change it little.
 */
function lightFall({ width, height, inside, light }: Raster): number {
  const falls: { fall: number; length: number }[] = [];
  for (let j = 0; j < height; j += 1) {
    let start = -1;
    for (let i = 0; i <= width; i += 1) {
      const isIn = i < width && inside[j * width + i] === 1;
      if (isIn && start < 0) start = i;
      if (isIn || start < 0) continue;
      // The outermost samples may hold some backdrop.
      const length = i - start - 2;
      if (length >= SHORTEST)
        falls.push({ fall: parabolaRange(light, j * width + start + 1, length), length });
      start = -1;
    }
  }
  falls.sort((a, b) => a.fall - b.fall);
  const total = falls.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  for (const { fall, length } of falls) {
    before += length;
    if (2 * before >= total) return fall;
  }
  return 1;
}

function parabolaRange(light: Float32Array, from: number, length: number): number {
  // Legendre polynomials are nearly orthogonal over the samples, which is exact enough here.
  let [mean, slope, bend, slopes, bends] = [0, 0, 0, 0, 0];
  for (let k = 0; k < length; k += 1) {
    const t = (2 * k + 1) / length - 1;
    const p2 = (3 * t * t - 1) / 2;
    const value = light[from + k] ?? 0;
    mean += value;
    slope += value * t;
    bend += value * p2;
    slopes += t * t;
    bends += p2 * p2;
  }
  mean /= length;
  slope /= slopes;
  bend /= bends;
  const at = (t: number): number => slope * t + (bend * (3 * t * t - 1)) / 2;
  const top = bend === 0 ? 2 : -slope / (3 * bend);
  const values = [at(-1), at(1), ...(Math.abs(top) < 1 ? [at(top)] : [])];
  return (Math.max(...values) - Math.min(...values)) / Math.max(mean, 1e-3);
}

function rowsOf({ width, height, inside }: Raster): { symmetry: number; gaps: number } {
  let both = 0;
  let either = 0;
  let rows = 0;
  let broken = 0;
  for (let j = MARGIN; j < height - MARGIN; j += 1) {
    let runs = 0;
    for (let i = 0; i < width; i += 1) {
      const here = inside[j * width + i] ?? 0;
      const mirrored = inside[j * width + width - 1 - i] ?? 0;
      both += here & mirrored;
      either += here | mirrored;
      if (here === 1 && (inside[j * width + i - 1] ?? 0) === 0) runs += 1;
    }
    if (runs > 0) rows += 1;
    if (runs > 1) broken += 1;
  }
  return { symmetry: either === 0 ? 0 : both / either, gaps: rows === 0 ? 0 : broken / rows };
}
