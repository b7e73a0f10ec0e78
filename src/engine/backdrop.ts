import type { BorderModel } from './border-model.js';
import { borderModel } from './border-model.js';
import { regionsOf, shrink } from './regions.js';
import type { Pixels } from './types.js';

/** Finds an object in front of a plain backdrop, which the border of the picture shows. */

const INSIDE = 255;

export interface BackdropCut {
  /** 255 for the object. */
  data: Uint8Array;
  /** How much of each pixel the object covers, 0 to 255; only meant near the outline. */
  coverage: Uint8Array;
  /** 0 to 1: high when the backdrop is plain and the outline stands out from it. */
  clearness: number;
}

export function cutFromBackdrop(pixels: Pixels): BackdropCut {
  const { width, height } = pixels;
  const model = borderModel(pixels);
  const limits = limitsOf(model);
  const data = floodFromBorder(model, limits, width, height);
  const coverage = coverages(model, width, height);
  peel(data, coverage, width, height);
  return { data, coverage, clearness: clearnessOf(data, width, height, model, limits) };
}

/** How much of a pixel the object covers: its colour's difference as a share of the largest one close by. */
function coverages({ difference }: BorderModel, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let j = 3; j < height - 3; j += 1) {
    for (let i = 3; i < width - 3; i += 1) {
      const at = j * width + i;
      let most = 1;
      for (const step of [3, -3, 3 * width, -3 * width]) most = Math.max(most, difference[at + step] ?? 0);
      out[at] = Math.min(255, (255 * (difference[at] ?? 0)) / most);
    }
  }
  return out;
}

/** Colour differences in Lab units. */
interface Limits {
  /** Under this a pixel is backdrop: grain. */
  sure: number;
  /** Under this it is, if the colour changes slowly from backdrop to here: a shadow. */
  shadow: number;
  /** The change per pixel that is still slow. */
  slow: number;
}

const BINS = 256;
/** Largest difference in the histogram, Lab units. */
const RANGE = 64;
/** A shadow on the ground is at most this different from the backdrop. */
const DARKEST_SHADOW = 14;

function limitsOf({ difference, noise }: BorderModel): Limits {
  const sure = Math.max(3, 3.5 * noise);
  return {
    sure,
    shadow: Math.max(sure, Math.min(DARKEST_SHADOW, otsu(difference))),
    slow: Math.max(1.2, noise),
  };
}

/** The value that parts a distribution best in two (Otsu 1979). */
function otsu(values: Float32Array): number {
  const counts = new Float64Array(BINS);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor((value / RANGE) * BINS));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let sum = 0;
  for (let bin = 0; bin < BINS; bin += 1) sum += bin * (counts[bin] ?? 0);
  let below = 0;
  let sumBelow = 0;
  let best = { at: 0, between: -1 };
  for (let bin = 0; bin < BINS - 1; bin += 1) {
    below += counts[bin] ?? 0;
    sumBelow += bin * (counts[bin] ?? 0);
    const above = values.length - below;
    if (below === 0 || above === 0) continue;
    const apart = sumBelow / below - (sum - sumBelow) / above;
    const between = below * above * apart * apart;
    if (between > best.between) best = { at: bin, between };
  }
  return ((best.at + 1) / BINS) * RANGE;
}

/**
 * Everything but the backdrop that can be reached from the border, and the holes that show it. Ways narrower than a
 * few pixels are closed: where a shaded object passes through the backdrop's own colour, they would leak.
 */
function floodFromBorder(
  model: BorderModel,
  limits: Limits,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const { difference, gradient, noise } = model;
  const open = new Uint8Array(width * height);
  for (let at = 0; at < open.length; at += 1) {
    const d = difference[at] ?? 0;
    if (d < limits.sure || (d < limits.shadow && (gradient[at] ?? 0) < limits.slow)) open[at] = 1;
  }
  const narrow = Math.max(1, Math.round(Math.min(width, height) / 300));
  const same = Math.min(limits.sure, 1.5 + 1.5 * noise);
  let data = new Uint8Array(width * height).fill(INSIDE);
  for (const { at, touchesBorder } of regionsOf(shrink(open, width, height, narrow), width, height, 1)) {
    if (!touchesBorder && !isHole(at, difference, same)) continue;
    for (const p of at) data[p] = 0;
  }
  // Back to the full width of what was reached.
  for (let step = 0; step < narrow; step += 1) {
    const grown = shrink(data, width, height, 1);
    for (let at = 0; at < grown.length; at += 1) if (open[at] === 0) grown[at] = data[at] ?? 0;
    data = grown;
  }
  return data;
}

/** Share of the picture from which a hole counts. */
const LEAST_HOLE = 0.0002;

/** A ring's hole matches the backdrop as well as the backdrop does itself; a white spot on the object does not. */
function isHole(at: Int32Array, difference: Float32Array, same: number): boolean {
  let matching = 0;
  for (const p of at) if ((difference[p] ?? 0) < same) matching += 1;
  return at.length > LEAST_HOLE * difference.length && matching > 0.7 * at.length;
}

/** The blur that hides the grain widens the object: its rim is taken back to where the colour is half way. */
function peel(data: Uint8Array<ArrayBuffer>, coverage: Uint8Array, width: number, height: number): void {
  for (let step = 0; step < 3; step += 1) {
    const smaller = shrink(data, width, height, 1);
    for (let at = 0; at < data.length; at += 1)
      if (smaller[at] === 0 && (coverage[at] ?? 0) < 128) data[at] = 0;
  }
}

/** How far outside the outline, in pixels, there has to be backdrop: past what blur and JPEG mix. */
const REACH = 5;

/** By how much of the outline is a sharp edge against backdrop, the grain, and what of the border is no backdrop. */
function clearnessOf(
  data: Uint8Array,
  width: number,
  height: number,
  { difference, gradient, noise, outliers }: BorderModel,
  { shadow, slow }: Limits,
): number {
  let contour = 0;
  let clear = 0;
  for (let j = REACH; j < height - REACH; j += 1) {
    for (let i = REACH; i < width - REACH; i += 1) {
      const at = j * width + i;
      if (!data[at]) continue;
      for (const step of [1, -1, width, -width]) {
        if (data[at + step]) continue;
        contour += 1;
        // A shaded object that fades into the backdrop has a soft edge there: its true outline is elsewhere.
        const edge = Math.max(gradient[at] ?? 0, gradient[at + step] ?? 0);
        if (edge > 2 * slow && (difference[at + REACH * step] ?? 0) < shadow) clear += 1;
      }
    }
  }
  const contrast = contour === 0 ? 0 : Math.min(1, Math.max(0, (clear / contour - 0.7) / 0.25));
  const plain = 1 - Math.min(1, Math.max(0, (noise - 3) / 9));
  const whole = 1 - Math.min(0.8, 3 * outliers);
  return contrast * plain * whole;
}
