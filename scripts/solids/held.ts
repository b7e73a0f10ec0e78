import type { Colour, Solid } from './sdf.js';
import { ball, block, egg, prism, ring, rod, turned } from './sdf.js';

/** Objects that were left aside while the rules were made. */

const metal: Colour = [150, 150, 156];
const steel: Colour = [128, 134, 154];
const wood: Colour = [150, 104, 60];
const dark: Colour = [92, 60, 32];
const red: Colour = [196, 28, 28];
const white: Colour = [226, 224, 220];
const blue: Colour = [44, 92, 170];

const can: Solid = {
  name: 'can',
  parts: [
    turned(
      [
        [0, 0],
        [0.52, 0],
        [0.52, 2],
        [0, 2],
      ],
      [0, 0, 0],
      (x, y, z) => {
        if (y < 0.3 || y > 1.7) return metal;
        return Math.floor((Math.atan2(x, z) + Math.PI) / (Math.PI / 6)) % 2 === 0 ? white : red;
      },
    ),
  ],
};

const edge = (value: number): boolean => Math.abs(value) > 0.82;
const crate: Solid = {
  name: 'crate',
  parts: [
    block([0, 1, 0], [1, 1, 1], (x, y, z) => {
      const rims = [edge(x), edge(y - 1), edge(z)].filter(Boolean).length;
      if (rims > 1) return dark;
      return Math.floor((y + 10) / 0.27) % 2 === 0 ? wood : [138, 94, 54];
    }),
  ],
};

const table: Solid = {
  name: 'table',
  parts: [
    block([0, 1.15, 0], [1.3, 0.08, 0.75], wood),
    ...[-1.15, 1.15].flatMap((x) => [-0.6, 0.6].map((z) => block([x, 0.55, z], [0.09, 0.55, 0.09], dark))),
  ],
};

const fin: [number, number][] = [
  [0.3, 0.2],
  [0.85, -0.1],
  [0.85, 0.35],
  [0.3, 1.0],
];
const rocket: Solid = {
  name: 'rocket',
  parts: [
    turned(
      [
        [0, 0],
        [0.32, 0],
        [0.42, 0.5],
        [0.46, 1.2],
        [0.42, 1.9],
        [0.28, 2.45],
        [0.12, 2.8],
        [0, 2.95],
      ],
      [0, 0, 0],
      (x, y, z) => {
        if (y > 2.2) return red;
        return z > 0 && Math.hypot(x, y - 1.6) < 0.16 ? [90, 150, 200] : white;
      },
    ),
    prism(fin, -0.05, 0.05, red),
    prism(
      fin.map(([x, y]) => [-x, y] as const),
      -0.05,
      0.05,
      red,
    ),
    prism(fin, -0.05, 0.05, red, 'x'),
    prism(
      fin.map(([z, y]) => [-z, y] as const),
      -0.05,
      0.05,
      red,
      'x',
    ),
  ],
};

const robot: Solid = {
  name: 'robot',
  parts: [
    block([0, 1.3, 0], [0.55, 0.5, 0.35], (x, y, z) =>
      z > 0.34 && Math.abs(x) < 0.28 && Math.abs(y - 1.4) < 0.16 ? [36, 40, 60] : steel,
    ),
    block([0, 2.15, 0], [0.4, 0.28, 0.32], (x, y, z) =>
      z > 0.31 && Math.hypot(Math.abs(x) - 0.17, y - 2.2) < 0.08 ? [60, 200, 200] : steel,
    ),
    block([0, 1.85, 0], [0.14, 0.1, 0.14], [90, 92, 104]),
    rod([0, 2.4, 0], [0, 2.7, 0], 0.035, metal),
    ball([0, 2.74, 0], 0.09, metal),
    block([-0.78, 1.25, 0], [0.17, 0.5, 0.2], [110, 114, 132]),
    block([0.78, 1.25, 0], [0.17, 0.5, 0.2], [110, 114, 132]),
    block([-0.28, 0.4, 0], [0.2, 0.42, 0.24], steel),
    block([0.28, 0.4, 0], [0.2, 0.42, 0.24], steel),
  ],
};

const mug: Solid = {
  name: 'mug',
  parts: [
    turned(
      [
        [0, 0],
        [0.6, 0],
        [0.6, 1.4],
        [0, 1.4],
      ],
      [0, 0, 0],
      (_x, y) => (y > 0.45 && y < 0.95 ? [226, 186, 40] : blue),
    ),
    ring([0.62, 0.7, 0], [0, 0, 1], 0.4, 0.1, (_x, y) => (y > 0.45 && y < 0.95 ? [226, 186, 40] : blue)),
  ],
};

const spots: readonly (readonly [number, number, number])[] = [
  [0, 2.15, 0.45],
  [-0.5, 1.85, 0.55],
  [0.6, 1.9, 0.4],
  [0.2, 1.7, 0.85],
  [-0.85, 1.65, 0],
  [0.5, 2.0, -0.5],
  [-0.3, 1.9, -0.7],
];
const mushroom: Solid = {
  name: 'mushroom',
  parts: [
    egg([0, 1.55, 0], [1, 0.7, 1], (x, y, z) => {
      if (y < 1.25) return [214, 200, 172];
      return spots.some(([a, b, c]) => Math.hypot(x - a, y - b, z - c) < 0.22) ? white : [196, 24, 30];
    }),
    rod([0, 0.3, 0], [0, 1.2, 0], 0.34, [220, 206, 178], 0.28),
  ],
};

const wing: [number, number][] = [
  [-0.2, 0.45],
  [-2, -0.15],
  [-2, -0.45],
  [-0.2, -0.35],
  [0.2, -0.35],
  [2, -0.45],
  [2, -0.15],
  [0.2, 0.45],
];
const tailplane: [number, number][] = [
  [-0.7, -1.75],
  [-0.7, -1.55],
  [0, -1.25],
  [0.7, -1.55],
  [0.7, -1.75],
];
const tailFin: [number, number][] = [
  [-1.75, 0.6],
  [-1.3, 0.6],
  [-1.6, 1.25],
  [-1.85, 1.25],
];
const plane: Solid = {
  name: 'plane',
  parts: [
    turned(
      [
        [0, -1.9],
        [0.1, -1.85],
        [0.3, -0.8],
        [0.33, 0.4],
        [0.28, 1.2],
        [0.15, 1.6],
        [0, 1.7],
      ],
      [0, 0.45, 0],
      (x, y, z) => (z > 0.9 && z < 1.3 && y > 0.5 && Math.abs(x) < 0.4 ? [40, 60, 90] : white),
      'z',
    ),
    prism(wing, 0.36, 0.46, [190, 196, 206], 'y'),
    prism(tailplane, 0.5, 0.57, [190, 196, 206], 'y'),
    prism(tailFin, -0.05, 0.05, red, 'x'),
    rod([-0.8, 0.28, -0.1], [-0.8, 0.28, 0.35], 0.13, metal),
    rod([0.8, 0.28, -0.1], [0.8, 0.28, 0.35], 0.13, metal),
  ],
};

export const held: readonly Solid[] = [can, crate, table, rocket, robot, mug, mushroom, plane];
