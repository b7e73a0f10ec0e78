import type { Rgb } from './views.js';

/** Colours that tests paint with, and tell apart. */

export const red: Rgb = [200, 30, 30];
export const blue: Rgb = [30, 60, 200];
export const green: Rgb = [40, 160, 60];
export const dark: Rgb = [30, 34, 40];

/** The colour's name, or its numbers when it is none of those above. */
export const name = (colour: ArrayLike<number>): string => {
  const all = { red, blue, green, dark, white: [255, 255, 255] };
  const gap = (other: readonly number[]): number =>
    Math.hypot(...other.map((value, k) => value - (colour[k] ?? 0)));
  const [closest, value] = Object.entries(all).toSorted(([, a], [, b]) => gap(a) - gap(b))[0] ?? [
    'none',
    [0, 0, 0],
  ];
  return gap(value) < 40 ? closest : `rgb(${Array.from(colour).join(', ')})`;
};
