import type { GenerateReport, Mask, Pixels, ViewName } from '../../src/engine/types.js';
import { cutOut } from '../../src/engine/mask.js';
import type { Shot } from '../../src/engine/outlines.js';
import { picture } from '../../scripts/solids/picture.js';
import type { Solid } from '../../scripts/solids/sdf.js';

/** What the tests of the generator draw and measure with. */

export type Rgba = readonly [number, number, number, number];

/** A picture from a colour per pixel. */
export function drawn(width: number, height: number, colour: (x: number, y: number) => Rgba): Pixels {
  const data = new Uint8Array(width * height * 4);
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) data.set(colour(i + 0.5, j + 0.5), 4 * (j * width + i));
  }
  return { width, height, data };
}

/** Whether a mask and a test for inside cover the same pixels, intersection over union. */
export function overlap({ width, height, data }: Mask, inside: (x: number, y: number) => boolean): number {
  let both = 0;
  let either = 0;
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) {
      const marked = (data[j * width + i] ?? 0) > 0;
      const wanted = inside(i + 0.5, j + 0.5);
      if (marked && wanted) both += 1;
      if (marked || wanted) either += 1;
    }
  }
  return both / either;
}

const taken = new Map<string, Shot>();

/** Views of a solid with their silhouettes; each is rendered once. */
export function shotsOf(solid: Solid, names: readonly ViewName[], size = 192): Shot[] {
  return names.map((name) => {
    const key = `${solid.name} ${name} ${size}`;
    const known = taken.get(key);
    if (known) return known;
    const pixels = {
      width: size,
      height: size,
      data: picture(solid, name, { size, background: 'transparent' }),
    };
    const shot = { name, pixels, mask: cutOut(pixels) };
    taken.set(key, shot);
    return shot;
  });
}

export function fitOf(report: GenerateReport, name: ViewName): number {
  return report.views.find((view) => view.name === name)?.silhouetteIou ?? 0;
}

export const quiet = (): void => undefined;
