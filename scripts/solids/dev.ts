import type { Colour, Solid } from './sdf.js';
import { ball, block, egg, prism, ring, rod, turned } from './sdf.js';

/** The objects that the rules are tuned on. */

const red: Colour = [190, 34, 34];
const yellow: Colour = [232, 190, 60];
const blue: Colour = [48, 110, 190];
const white: Colour = [225, 222, 216];
const clay: Colour = [196, 82, 74];
const wood: Colour = [118, 72, 44];
const fur: Colour = [134, 84, 46];
const black: Colour = [24, 24, 26];
const glass: Colour = [120, 160, 200];
const bands =
  (a: Colour, b: Colour, width: number, at: (x: number, y: number, z: number) => number) =>
  (x: number, y: number, z: number): Colour =>
    Math.floor(at(x, y, z) / width) % 2 === 0 ? a : b;

const torus: Solid = {
  name: 'torus',
  parts: [
    ring(
      [0, 0, 0],
      [0, 0.3, 0.95],
      1,
      0.37,
      bands(red, yellow, Math.PI / 9, (x, y) => Math.atan2(y, x) + Math.PI),
    ),
  ],
};

const goblet: Solid = {
  name: 'goblet',
  parts: [
    turned(
      [
        [0, 0],
        [0.62, 0],
        [0.6, 0.06],
        [0.3, 0.14],
        [0.14, 0.3],
        [0.12, 0.55],
        [0.17, 0.72],
        [0.13, 0.86],
        [0.32, 1.0],
        [0.58, 1.25],
        [0.72, 1.65],
        [0.74, 2.05],
        [0.68, 2.5],
        [0, 2.5],
      ],
      [0, 0, 0],
      bands(blue, white, 0.2, (_x, y) => y),
    ),
  ],
};

const teapot: Solid = {
  name: 'teapot',
  parts: [
    turned(
      [
        [0, 0],
        [0.6, 0],
        [0.82, 0.15],
        [0.98, 0.4],
        [1.0, 0.6],
        [0.9, 0.85],
        [0.68, 1.05],
        [0.42, 1.16],
        [0.4, 1.24],
        [0.2, 1.32],
        [0, 1.34],
      ],
      [0, 0, 0],
      (_x, y) => (y > 0.5 && y < 0.68 ? white : clay),
    ),
    ball([0, 1.42, 0], 0.13, clay),
    rod([-0.8, 0.45, 0], [-1.5, 1.05, 0], 0.22, clay, 0.09),
    ring([1.05, 0.62, 0], [0, 0, 1], 0.36, 0.09, clay),
  ],
};

const plank = bands([126, 78, 48], [110, 66, 40], 0.14, (x) => x + 10);
const chair: Solid = {
  name: 'chair',
  parts: [
    block([0, 1, 0], [0.6, 0.08, 0.6], [72, 96, 52]),
    block([0, 1.75, -0.53], [0.6, 0.7, 0.07], plank),
    ...[-0.52, 0.52].flatMap((x) => [-0.52, 0.52].map((z) => block([x, 0.5, z], [0.08, 0.5, 0.08], wood))),
  ],
};

const teddy: Solid = {
  name: 'teddy',
  parts: [
    egg([0, 1.05, 0], [0.55, 0.65, 0.48], (x, y, z) =>
      z > 0.2 && Math.hypot(x, y - 1.02) < 0.32 ? [196, 164, 112] : fur,
    ),
    ball([0, 2.0, 0.05], 0.47, (x, y, z) =>
      z > 0.2 && Math.hypot(Math.abs(x) - 0.18, y - 2.1) < 0.06 ? black : fur,
    ),
    egg([0, 1.88, 0.46], [0.2, 0.16, 0.16], (x, y) =>
      Math.hypot(x, y - 1.93) < 0.07 ? black : [196, 164, 112],
    ),
    ball([-0.38, 2.4, 0], 0.19, fur),
    ball([0.38, 2.4, 0], 0.19, fur),
    rod([-0.45, 1.4, 0], [-1.0, 1.2, 0.12], 0.2, fur),
    rod([0.45, 1.4, 0], [1.0, 1.2, 0.12], 0.2, fur),
    rod([-0.28, 0.6, 0.05], [-0.38, 0.2, 0.14], 0.24, fur),
    rod([0.28, 0.6, 0.05], [0.38, 0.2, 0.14], 0.24, fur),
  ],
};

const side: [number, number][] = [
  [-1.05, 0.88],
  [-0.85, 1.28],
  [0.35, 1.28],
  [0.75, 0.88],
];
const tyre: [number, number][] = [
  [0, -0.12],
  [0.3, -0.12],
  [0.3, 0.12],
  [0, 0.12],
];
const car: Solid = {
  name: 'car',
  parts: [
    block(
      [0, 0.62, 0],
      [0.7, 0.28, 1.6],
      (x, y, z) =>
        z > 1.55 && Math.abs(Math.abs(x) - 0.45) < 0.15 && Math.abs(y - 0.68) < 0.09 ? [236, 214, 140] : red,
      0.08,
    ),
    prism(
      side,
      -0.56,
      0.56,
      (x, y, z) => {
        const pane = y > 0.94 && y < 1.22 && (Math.abs(x) > 0.555 ? Math.abs(z + 0.2) < 0.85 : true);
        return pane && y < 1.27 ? glass : red;
      },
      'x',
    ),
    ...[-0.62, 0.62].flatMap((x) => [-1, 1].map((z) => turned(tyre, [x, 0.3, z], black, 'x'))),
  ],
};

const wall = (x: number, y: number, z: number): Colour => {
  if (z > 0.79) {
    if (Math.abs(x) < 0.2 && y < 0.6) return [70, 42, 22];
    if (Math.abs(Math.abs(x) - 0.6) < 0.17 && Math.abs(y - 0.72) < 0.17) return glass;
  }
  return [182, 172, 142];
};
const house: Solid = {
  name: 'house',
  parts: [
    block([0, 0.6, 0], [1, 0.6, 0.8], wall),
    prism(
      [
        [-1.2, 1.15],
        [1.2, 1.15],
        [0, 1.95],
      ],
      -0.95,
      0.95,
      bands([150, 32, 32], [132, 26, 26], 0.1, (_x, y) => y),
    ),
    block([0.62, 1.72, -0.3], [0.14, 0.34, 0.14], [104, 96, 88]),
  ],
};

const bird: Solid = {
  name: 'bird',
  parts: [
    egg([0, 1.25, 0], [0.5, 0.48, 0.95], (_x, y) => (y < 1.12 ? [190, 190, 184] : blue)),
    ball([0, 1.95, 0.85], 0.4, (x, y) => (Math.abs(x) > 0.25 && Math.hypot(y - 2.02) < 0.09 ? black : blue)),
    rod([0, 1.55, 0.68], [0, 1.9, 0.82], 0.3, blue),
    rod([0, 1.93, 1.15], [0, 1.85, 1.6], 0.16, [236, 152, 24], 0.03),
    rod([0, 1.3, -0.7], [0, 1.75, -1.9], 0.24, blue, 0.1),
    egg([-0.48, 1.3, -0.15], [0.1, 0.32, 0.7], [28, 68, 140]),
    egg([0.48, 1.3, -0.15], [0.1, 0.32, 0.7], [28, 68, 140]),
    ...[-0.2, 0.2].flatMap((x) => [
      rod([x, 0.1, 0], [x, 0.9, 0], 0.06, [236, 152, 24]),
      rod([x, 0.07, -0.15], [x, 0.07, 0.3], 0.07, [236, 152, 24]),
    ]),
  ],
};

export const dev: readonly Solid[] = [torus, goblet, teapot, chair, teddy, car, house, bird];
