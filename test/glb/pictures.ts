import sharp from 'sharp';
import type { RenderResult } from '../../src/glb/render.js';
import type { Rgb } from './fixtures.js';

/** Reading what was drawn. */
export interface Pixels {
  width: number;
  height: number;
  /** 8-bit RGB. */
  data: Uint8Array;
}

export async function decode({ image }: Pick<RenderResult, 'image'>): Promise<Pixels> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** The colour at a place of a view, given as shares of its tile from the top left. */
export function colorAt(
  { data, width }: Pixels,
  { views }: RenderResult,
  view: string,
  x: number,
  y: number,
): Rgb {
  const tile = views.find(({ name }) => name === view);
  if (!tile) throw new Error(`no view ${view}`);
  const at = 3 * (Math.floor(tile.y + y * tile.height) * width + Math.floor(tile.x + x * tile.width));
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
}

/** Which of the full colours it is: each channel on or off, as `rg-` for yellow. */
export function hue([r, g, b]: Rgb): string {
  const threshold = 0.55 * Math.max(r, g, b);
  return `${r > threshold ? 'r' : '-'}${g > threshold ? 'g' : '-'}${b > threshold ? 'b' : '-'}`;
}

export const brightness = ([r, g, b]: Rgb): number => (r + g + b) / 3;

/** Mean of the differences of all channels, 0 to 255. */
export function difference(one: Pixels, other: Pixels): number {
  if (one.data.length !== other.data.length) return Infinity;
  return (
    one.data.reduce((sum, value, i) => sum + Math.abs(value - (other.data[i] ?? 0)), 0) / one.data.length
  );
}

/** Share of the pixels in a view that are not background. */
export function coverage(pixels: Pixels, result: RenderResult, view: string): number {
  const [r, g, b] = colorAt(pixels, result, view, 0.98, 0.98);
  let covered = 0;
  const steps = 100;
  for (let i = 0; i < steps * steps; i++) {
    const color = colorAt(
      pixels,
      result,
      view,
      ((i % steps) + 0.5) / steps,
      (Math.floor(i / steps) + 0.5) / steps,
    );
    if (Math.abs(color[0] - r) + Math.abs(color[1] - g) + Math.abs(color[2] - b) > 12) covered++;
  }
  return covered / (steps * steps);
}
