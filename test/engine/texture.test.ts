import { describe, expect, it } from 'vitest';
import { texture } from '../../src/engine/texture.js';
import type { Mesh, ShapeMode, View, ViewName } from '../../src/engine/types.js';
import { blue, dark, green, name, red } from '../support/palette.js';
import { ball, box, together, torus } from '../support/solids.js';
import { quiet, textured } from '../support/textured.js';
import type { Rgb } from '../support/views.js';
import { painted } from '../support/views.js';

const redLeftBlueRight = ([x]: readonly [number, number, number]): Rgb => (x < 0 ? red : blue);

describe('colours land where the pictures show them', () => {
  it.each<[string, Mesh]>([
    ['a ball', ball()],
    ['a box', box([0.8, 1, 0.6], [0, 0, 0], 6)],
    ['a box of twelve triangles', box([0.8, 1, 0.6])],
  ])('on the front of %s', async (_, mesh) => {
    const { colourAt } = await textured(mesh, [painted(mesh, 'front', redLeftBlueRight)]);
    for (const y of [0.3, 0.5, 0.7]) {
      expect(name(colourAt(-0.2, y, 0.5))).toBe('red');
      expect(name(colourAt(-0.04, y, 0.5))).toBe('red');
      expect(name(colourAt(0.04, y, 0.5))).toBe('blue');
      expect(name(colourAt(0.2, y, 0.5))).toBe('blue');
    }
  });

  it('on all five sides', async () => {
    const mesh = box([0.8, 1, 0.6], [0, 0, 0], 6);
    const upper = ([, y]: readonly [number, number, number]): Rgb => (y > 0.5 ? green : dark);
    const { colourAt } = await textured(mesh, [
      painted(mesh, 'front', redLeftBlueRight),
      painted(mesh, 'left', ([, , z]) => (z > 0 ? red : blue)),
      painted(mesh, 'back', redLeftBlueRight),
      painted(mesh, 'right', upper),
      painted(mesh, 'top', ([x, , z]) => (z > 0 ? green : x > 0 ? red : blue)),
    ]);
    expect(name(colourAt(-0.2, 0.5, 0.3))).toBe('red');
    expect(name(colourAt(0.2, 0.5, 0.3))).toBe('blue');
    expect(name(colourAt(-0.4, 0.5, 0.15))).toBe('red');
    expect(name(colourAt(-0.4, 0.5, -0.15))).toBe('blue');
    expect(name(colourAt(-0.2, 0.5, -0.3))).toBe('red');
    expect(name(colourAt(0.2, 0.5, -0.3))).toBe('blue');
    expect(name(colourAt(0.4, 0.7, 0))).toBe('green');
    expect(name(colourAt(0.4, 0.3, 0))).toBe('dark');
    expect(name(colourAt(0.2, 1, 0.15))).toBe('green');
    expect(name(colourAt(0.2, 1, -0.15))).toBe('red');
    expect(name(colourAt(-0.2, 1, -0.15))).toBe('blue');
  });

  it('on opposite sides of a ball', async () => {
    const mesh = ball();
    const { colourAt } = await textured(mesh, [
      painted(mesh, 'front', () => red),
      painted(mesh, 'back', () => blue),
    ]);
    expect(name(colourAt(0.2, 0.6, 0.45))).toBe('red');
    expect(name(colourAt(0.2, 0.6, -0.45))).toBe('blue');
  });

  it('and not on what stands behind', async () => {
    // A small red block before a large green board.
    const mesh = together(box([0.3, 0.4, 0.1], [0, 0.3, 0.3], 4), box([1, 1, 0.1], [0, 0, -0.3], 24));
    const front = painted(mesh, 'front', ([, , z]) => (z > 0 ? red : green));
    const { colourAt } = await textured(mesh, [front, painted(mesh, 'back', () => green)]);
    expect(name(colourAt(0, 0.5, 0.35))).toBe('red');
    for (const [x, y] of [
      [0, 0.5],
      [0.1, 0.4],
      [0.13, 0.5],
      [0.2, 0.5],
      [0.4, 0.5],
    ] as const) {
      expect(name(colourAt(x, y, -0.25))).toBe('green');
    }
  });

  it('whatever the size of the pictures', async () => {
    const mesh = ball();
    for (const size of [48, 640]) {
      const { colourAt } = await textured(mesh, [painted(mesh, 'front', redLeftBlueRight, { size })]);
      expect(name(colourAt(-0.2, 0.6, 0.45))).toBe('red');
      expect(name(colourAt(0.2, 0.6, 0.45))).toBe('blue');
    }
  });
});

/** The same view out of focus: every colour is the mean of the 3 x 3 pixels around, twice. */
function outOfFocus(view: View): View {
  const { width, height } = view.pixels;
  let { data } = view.pixels;
  for (let pass = 0; pass < 2; pass += 1) {
    const sharp = data;
    data = sharp.map((value, at) => {
      const pixel = Math.floor(at / 4);
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      if (at % 4 === 3 || x === 0 || y === 0 || x === width - 1 || y === height - 1) return value;
      let sum = 0;
      for (let k = 0; k < 9; k += 1)
        sum += sharp[at + 4 * ((k % 3) - 1 + width * (Math.floor(k / 3) - 1))] ?? 0;
      return sum / 9;
    });
  }
  return { ...view, pixels: { width, height, data } };
}

describe('no backdrop gets into the texture', () => {
  it.each<[ShapeMode, ViewName[]]>([
    ['inflate', ['front']],
    ['lathe', ['front']],
    ['extrude', ['front']],
    ['hull', ['front', 'left', 'back']],
  ])('%s, from %j', async (mode, sides) => {
    const mesh = together(torus(), box([0.05, 0.5, 0.05], [0, 0.25, 0], 4));
    const views = sides.map((side) => painted(mesh, side, () => dark));
    const { texels } = await textured(mesh, views, mode, 512);
    expect(brightest(texels)).toBeLessThan(60);
  });

  it('from a picture out of focus', async () => {
    const mesh = torus();
    const view = outOfFocus(painted(mesh, 'front', () => dark, { size: 400 }));
    const { texels } = await textured(mesh, [view], 'inflate', 512);
    expect(brightest(texels)).toBeLessThan(60);
  });

  const brightest = (texels: Uint8Array): number => texels.reduce((most, value) => Math.max(most, value), 0);
});

describe('what no picture shows', () => {
  const spotted = ([x, y]: readonly [number, number, number]): Rgb =>
    Math.hypot(x, y - 0.5) < 0.2 ? red : y > 0.5 ? green : blue;

  it('has no face on the back of an inflated shape', async () => {
    const mesh = ball();
    const { colourAt } = await textured(mesh, [painted(mesh, 'front', spotted)], 'inflate');
    expect(name(colourAt(0, 0.52, 0.5))).toBe('red');
    expect(name(colourAt(0, 0.7, -0.45))).toBe('green');
    expect(name(colourAt(0, 0.3, -0.45))).toBe('blue');
  });

  it('is a mirror image on the back of turned and extruded shapes', async () => {
    const mesh = box([0.9, 1, 0.4], [0, 0, 0], 8);
    for (const mode of ['lathe', 'extrude'] as const) {
      const { colourAt } = await textured(mesh, [painted(mesh, 'front', redLeftBlueRight)], mode);
      expect(name(colourAt(-0.3, 0.5, -0.2))).toBe('red');
      expect(name(colourAt(0.3, 0.5, -0.2))).toBe('blue');
    }
  });

  it('takes the colour of the rim beside it on the walls of an extruded shape', async () => {
    const mesh = box([0.9, 1, 0.5], [0, 0, 0], 8);
    const framed = ([x, y]: readonly [number, number, number]): Rgb =>
      Math.abs(x) < 0.3 && Math.abs(y - 0.5) < 0.35 ? dark : y > 0.5 ? green : x < 0 ? red : blue;
    const { colourAt } = await textured(mesh, [painted(mesh, 'front', framed)], 'extrude');
    for (const z of [-0.15, 0, 0.15]) {
      expect(name(colourAt(-0.45, 0.7, z))).toBe('green');
      expect(name(colourAt(-0.45, 0.3, z))).toBe('red');
      expect(name(colourAt(0.45, 0.3, z))).toBe('blue');
      expect(name(colourAt(0, 1, z))).toBe('green');
    }
  });

  it('is the mirror image of the other side when a side is given', async () => {
    const mesh = box([0.5, 1, 0.8], [0, 0, 0], 8);
    const { colourAt } = await textured(mesh, [
      painted(mesh, 'front', () => dark),
      painted(mesh, 'left', ([, , z]) => (z > 0 ? red : blue)),
    ]);
    expect(name(colourAt(0.25, 0.5, 0.2))).toBe('red');
    expect(name(colourAt(0.25, 0.5, -0.2))).toBe('blue');
  });

  it('is filled from what is around it when there are several pictures', async () => {
    const mesh = box([0.6, 1, 0.6], [0, 0, 0], 12);
    const sides = ['front', 'left', 'back', 'right'] as const;
    const { colourAt } = await textured(
      mesh,
      sides.map((side) => painted(mesh, side, ([, y]) => (y > 0.5 ? green : dark))),
    );
    expect(name(colourAt(0, 1, 0))).toBe('green');
    expect(name(colourAt(0, 0, 0))).toBe('dark');
  });

  it('goes on with bands that run around', async () => {
    const mesh = ball(0.5, 80, 40);
    const banded = ([, y]: readonly [number, number, number]): Rgb => (Math.abs(y - 0.5) < 0.15 ? red : blue);
    const { colourAt } = await textured(mesh, [
      painted(mesh, 'front', banded),
      painted(mesh, 'left', banded),
    ]);
    for (const x of [-0.2, 0, 0.2]) {
      expect(name(colourAt(x, 0.5, -0.45))).toBe('red');
      expect(name(colourAt(x, 0.75, -0.4))).toBe('blue');
      expect(name(colourAt(x, 0.25, -0.4))).toBe('blue');
    }
  });
});

describe('unseen', () => {
  const unseenOf = async (mesh: Mesh, sides: ViewName[]): Promise<number> => {
    const views = sides.map((side) => painted(mesh, side, () => red));
    return (await texture(mesh, views, { mode: 'hull', textureSize: 256 }, quiet)).unseen;
  };

  it('is the share of the surface that faces no picture', async () => {
    const cube = box([0.8, 0.8, 0.8], [0, 0, 0], 4);
    expect(await unseenOf(cube, ['front'])).toBeCloseTo(5 / 6, 2);
    expect(await unseenOf(cube, ['front', 'left'])).toBeCloseTo(4 / 6, 2);
    expect(await unseenOf(cube, ['front', 'left', 'back', 'right', 'top'])).toBeCloseTo(1 / 6, 2);
    // A ball shows one camera the cap that it sees at a cosine above 0.1.
    expect(await unseenOf(ball(), ['front'])).toBeCloseTo(0.55, 1);
  });

  it('counts what is hidden behind other parts', async () => {
    const boards = together(box([0.8, 0.8, 0.1], [0, 0, 0.3], 6), box([0.8, 0.8, 0.1], [0, 0, -0.3], 6));
    const one = 2 * (0.64 + 0.08 + 0.08);
    expect(await unseenOf(boards, ['front'])).toBeCloseTo(1 - 0.64 / (2 * one), 2);
  });
});
