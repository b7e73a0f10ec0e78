import type { Colour, Solid } from './sdf.js';
import { ball, block, egg, rod, turned } from './sdf.js';

/** The last objects, drawn up to check rules that were corrected after the held set. */

const cloth: Colour = [62, 100, 112];
const seat: Colour = [72, 112, 124];
const brass: Colour = [176, 140, 70];
const snow: Colour = [228, 230, 236];
const black: Colour = [26, 26, 30];
const oak: Colour = [152, 112, 70];

const sofa: Solid = {
  name: 'sofa',
  parts: [
    block([0, 0.3, 0], [1.6, 0.3, 0.7], cloth, 0.06),
    block([0, 0.65, -0.5], [1.6, 0.6, 0.22], cloth, 0.08),
    block([-1.4, 0.55, 0.05], [0.22, 0.42, 0.68], cloth, 0.08),
    block([1.4, 0.55, 0.05], [0.22, 0.42, 0.68], cloth, 0.08),
    block([-0.6, 0.6, 0.15], [0.57, 0.13, 0.55], seat, 0.06),
    block([0.6, 0.6, 0.15], [0.57, 0.13, 0.55], seat, 0.06),
  ],
};

const lamp: Solid = {
  name: 'lamp',
  parts: [
    turned(
      [
        [0, 0],
        [0.5, 0],
        [0.5, 0.08],
        [0.1, 0.16],
        [0.07, 0.3],
        [0.2, 0.6],
        [0.24, 0.8],
        [0.16, 1.05],
        [0.05, 1.2],
        [0.05, 1.5],
        [0, 1.5],
      ],
      [0, 0, 0],
      brass,
    ),
    turned(
      [
        [0, 1.4],
        [0.8, 1.4],
        [0.48, 2.2],
        [0, 2.2],
      ],
      [0, 0, 0],
      (_x, y) => (y < 1.48 || y > 2.12 ? [150, 60, 50] : [226, 206, 164]),
    ),
  ],
};

const snowman: Solid = {
  name: 'snowman',
  parts: [
    ball([0, 0.7, 0], 0.72, snow),
    ball([0, 1.72, 0], 0.52, snow),
    ball([0, 2.42, 0], 0.36, (x, y, z) =>
      z > 0.15 && Math.hypot(Math.abs(x) - 0.13, y - 2.5) < 0.05 ? black : snow,
    ),
    rod([0, 2.4, 0.3], [0, 2.38, 0.72], 0.08, [232, 130, 30], 0.02),
    turned(
      [
        [0, 2.66],
        [0.46, 2.66],
        [0.46, 2.72],
        [0.28, 2.74],
        [0.28, 3.15],
        [0, 3.15],
      ],
      [0, 0, 0],
      black,
    ),
    egg([0, 2.08, 0], [0.4, 0.1, 0.4], [200, 30, 36]),
  ],
};

const shelf: Solid = {
  name: 'shelf',
  parts: [
    block([-0.75, 1.1, 0], [0.06, 1.1, 0.3], oak),
    block([0.75, 1.1, 0], [0.06, 1.1, 0.3], oak),
    ...[0.06, 0.75, 1.44, 2.14].map((y) => block([0, y, 0], [0.75, 0.06, 0.3], [138, 98, 58])),
    block([-0.45, 0.98, 0], [0.08, 0.2, 0.2], [170, 40, 40]),
    block([-0.28, 1.0, 0], [0.07, 0.22, 0.2], [40, 80, 150]),
    block([0.35, 1.62, 0.02], [0.2, 0.15, 0.18], [60, 130, 70]),
  ],
};

const staves = (x: number, y: number, z: number): Colour => {
  if ([0.3, 0.75, 1.45, 1.9].some((at) => Math.abs(y - at) < 0.07)) return [90, 90, 96];
  return Math.floor((Math.atan2(x, z) + Math.PI) / (Math.PI / 8)) % 2 === 0 ? [148, 96, 50] : [132, 84, 44];
};
const barrel: Solid = {
  name: 'barrel',
  parts: [
    turned(
      [
        [0, 0],
        [0.62, 0],
        [0.74, 0.4],
        [0.8, 0.85],
        [0.81, 1.1],
        [0.8, 1.35],
        [0.74, 1.8],
        [0.62, 2.2],
        [0, 2.2],
      ],
      [0, 0, 0],
      staves,
    ),
  ],
};

export const third: readonly Solid[] = [sofa, lamp, snowman, shelf, barrel];
