import { writeLab } from './lab.js';
import type { Mask, Pixels } from './types.js';

/**
 * The colours of an object, to tell whether two pictures may show the same one: shares of 12 hues, and of 4 steps of
 * lightness for what has no hue. Light and shade move little between them.
 */
export type Palette = readonly number[];

const HUES = 12;
const GREYS = 4;
/** Chroma from which a colour begins to have a hue, and has nothing but a hue. */
const GREY = 6;
const COLOURFUL = 14;
/** Pixels that are looked at, about. */
const SAMPLES = 20_000;

export function paletteOf(pixels: Pixels, mask: Pick<Mask, 'data'>): Palette {
  const palette = Array.from({ length: HUES + GREYS }, () => 0);
  const lab = new Float32Array(3);
  // Odd, so as not to look at a few columns only.
  const step = Math.round(mask.data.length / SAMPLES) | 1;
  let count = 0;
  for (let at = 0; at < mask.data.length; at += step) {
    if ((mask.data[at] ?? 0) === 0) continue;
    writeLab(pixels.data, 4 * at, lab, 0);
    const [lightness = 0, a = 0, b = 0] = lab;
    const coloured = Math.min(1, Math.max(0, (Math.sqrt(a * a + b * b) - GREY) / (COLOURFUL - GREY)));
    const hue = ((Math.atan2(b, a) / (2 * Math.PI) + 1) % 1) * HUES;
    share(palette, Math.floor(hue) % HUES, (Math.floor(hue) + 1) % HUES, hue % 1, coloured);
    const grey = Math.min(GREYS - 1.001, (lightness / 100) * (GREYS - 1));
    share(palette, HUES + Math.floor(grey), HUES + Math.floor(grey) + 1, grey % 1, 1 - coloured);
    count += 1;
  }
  return palette.map((value) => value / Math.max(1, count));
}

/** The share of colours that two palettes have in common, 0 to 1. */
export function paletteOverlap(a: Palette, b: Palette): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += Math.min(a[at] ?? 0, b[at] ?? 0);
  return sum;
}

function share(palette: number[], low: number, high: number, part: number, weight: number): void {
  palette[low] = (palette[low] ?? 0) + weight * (1 - part);
  palette[high] = (palette[high] ?? 0) + weight * part;
}
