import { describe, expect, it } from 'vitest';
import { PAD, nodesAlong, outlineOf, silhouetteOf } from '../../src/engine/silhouette.js';
import { cutOut, boxOf } from '../../src/engine/mask.js';
import { drawn } from './support.js';

/** A mask with anti-aliased edges, of what `distance` says: positive inside, in pixels. */
function maskOf(width: number, height: number, distance: (x: number, y: number) => number) {
  const mask = cutOut(
    drawn(width, height, (x, y) => [200, 50, 50, 255 * Math.min(1, Math.max(0, 0.5 + distance(x, y)))]),
  );
  return { mask, box: boxOf(mask) };
}

const upright = { flipU: false, flipV: true };

describe('outlineOf', () => {
  it('places the outline far finer than the pixels, which are as large as the cells', () => {
    const radius = 27.4;
    const { mask, box } = maskOf(64, 64, (x, y) => radius - Math.hypot(x - 32, y - 32));
    const extent = { u: 56, v: 56 };
    const signed = outlineOf(mask, box, extent, upright);
    const nodes = nodesAlong(56);
    const cell = 56 / (box.x1 - box.x0);
    const errors: number[] = [];
    signed.forEach((value, at) => {
      const [i, j] = [(at % nodes) - PAD - 28, Math.floor(at / nodes) - PAD - 28];
      const exact = radius * cell - Math.hypot(i, j);
      if (Math.abs(exact) < 3) errors.push(Math.abs(value - exact));
    });
    expect(Math.max(...errors)).toBeLessThan(0.25);
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.08);
  });

  it('mirrors and turns a picture as its view asks', () => {
    const { mask, box } = maskOf(60, 40, (x, y) =>
      Math.min(x - 10, 50 - x, y - 10, 30 - y, Math.max(30 - x, y - 20)),
    );
    const extent = { u: 40, v: 20 };
    const nu = nodesAlong(40);
    const inside = (signed: Float32Array, u: number, v: number): boolean =>
      (signed[(PAD + v) * nu + PAD + u] ?? 0) > 0;
    // The upper right quarter is missing; v grows upwards when flipped.
    const plain = outlineOf(mask, box, extent, upright);
    expect([inside(plain, 35, 15), inside(plain, 5, 15), inside(plain, 35, 5)]).toEqual([false, true, true]);
    const turned = outlineOf(mask, box, extent, { flipU: true, flipV: false });
    expect([inside(turned, 5, 5), inside(turned, 35, 5), inside(turned, 5, 15)]).toEqual([false, true, true]);
  });
});

describe('silhouetteOf', () => {
  it('has the known heights of a disc and of a strip', () => {
    const disc = maskOf(128, 128, (x, y) => 60 - Math.hypot(x - 64, y - 64));
    const square = { u: 60, v: 60 };
    const round = silhouetteOf(outlineOf(disc.mask, disc.box, square, upright), square);
    expect(Math.max(...round.height) / (30 * 30)).toBeCloseTo(1 / 4, 2);

    const strip = maskOf(60, 260, (x, y) => Math.min(x - 10, 50 - x, y - 10, 250 - y));
    const long = { u: 20, v: 120 };
    const flat = silhouetteOf(outlineOf(strip.mask, strip.box, long, upright), long);
    expect(Math.max(...flat.height) / (10 * 10)).toBeCloseTo(1 / 2, 2);
  });
});
