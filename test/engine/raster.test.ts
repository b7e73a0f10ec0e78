import { describe, expect, it } from 'vitest';
import { cameraAxes, project } from '../../src/engine/camera.js';
import { rasterise } from '../../src/engine/raster.js';
import type { ViewName } from '../../src/engine/types.js';

const names: ViewName[] = ['front', 'left', 'back', 'right', 'top'];

/** A 64 x 64 picture, 1 m wide, with the object's axis in its middle and the ground at its lower edge. */
const placed = (name: ViewName) => ({
  name,
  metresPerPixelX: 1 / 64,
  metresPerPixelY: 1 / 64,
  centreX: 32,
  baseY: name === 'top' ? 32 : 64,
  pixels: { width: 64, height: 64 },
});

const vector = ({ axis, sign }: { axis: number; sign: number }): number[] =>
  [0, 1, 2].map((at) => (at === axis ? sign : 0));

/** Two parallel squares, one nearer to the front than the other. */
const squares = {
  positions: new Float32Array([
    -0.25, 0.25, 0.1, 0.25, 0.25, 0.1, 0.25, 0.75, 0.1, -0.25, 0.75, 0.1, -0.25, 0.25, 0.3, 0.25, 0.25, 0.3,
    0.25, 0.75, 0.3, -0.25, 0.75, 0.3,
  ]),
  indices: new Uint32Array([0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]),
};

describe('camera', () => {
  it('is right-handed for every view', () => {
    for (const name of names) {
      const { right, up, toCamera } = cameraAxes[name];
      const [a, b] = [vector(right), vector(up)];
      const cross = [0, 1, 2].map((at) => {
        const [p, q] = [(at + 1) % 3, (at + 2) % 3];
        return (a[p] ?? 0) * (b[q] ?? 0) - (a[q] ?? 0) * (b[p] ?? 0);
      });
      expect(cross.map((value) => value + 0)).toEqual(vector(toCamera));
    }
  });

  it('shows the front of the object at the right edge from the left, and at the lower edge from the top', () => {
    const nose = [0, 0.5, 0.5] as const;
    expect(project(placed('left'), nose)).toEqual({ u: 64, v: 32 });
    expect(project(placed('right'), nose)).toEqual({ u: 0, v: 32 });
    expect(project(placed('top'), nose)).toEqual({ u: 32, v: 64 });
  });
});

describe('rasterise', () => {
  it('covers exactly the pixels whose centre is inside', () => {
    const { triangle } = rasterise(squares, placed('front'));
    expect(triangle.filter((index) => index >= 0)).toHaveLength(32 * 32);
    expect(triangle[16 * 64 + 16]).toBeGreaterThanOrEqual(0);
    expect(triangle[15 * 64 + 16]).toBe(-1);
    expect(triangle[16 * 64 + 15]).toBe(-1);
  });

  it('shows what is nearest to the camera, from both sides', () => {
    const middle = 32 * 64 + 32;
    const front = rasterise(squares, placed('front'));
    expect(front.triangle[middle]).toBeGreaterThanOrEqual(2);
    expect(front.depth[middle]).toBeCloseTo(-0.3);
    const back = rasterise(squares, placed('back'));
    expect(back.triangle[middle]).toBeLessThan(2);
    expect(back.depth[middle]).toBeCloseTo(0.1);
    expect(front.depth[0]).toBe(Infinity);
  });

  it('covers the same share of the picture at another resolution', () => {
    const { triangle } = rasterise(squares, placed('front'), 128, 32);
    expect(triangle.filter((index) => index >= 0)).toHaveLength(64 * 16);
  });
});
