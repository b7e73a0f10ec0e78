import { describe, expect, it } from 'vitest';
import { cutCharts } from '../../src/engine/charts.js';
import { surfaceOf } from '../../src/engine/surface.js';
import type { Mesh } from '../../src/engine/types.js';
import type { Unwrapped } from '../../src/engine/unwrap.js';
import { unwrap } from '../../src/engine/unwrap.js';
import { ball, box, crumpled, spiral, together, torus } from '../support/solids.js';

const size = 512;

function unwrapped(mesh: Mesh, side = size): Unwrapped {
  const surface = surfaceOf(mesh);
  const area = surface.faceAreas.reduce((sum, one) => sum + one, 0);
  const result = unwrap(mesh, surface, cutCharts(mesh, surface, side * Math.sqrt(0.5 / area)), side);
  if (!result) throw new Error('the charts do not fit');
  return result;
}

/** Texel centres that lie well inside each triangle, by plain barycentric tests. */
function texelsInside({ texels, indices }: Unwrapped, triangle: number): number[] {
  const [a = 0, b = 0, c = 0] = [0, 1, 2].map((k) => 2 * (indices[3 * triangle + k] ?? 0));
  const [ax = 0, ay = 0, bx = 0, by = 0, cx = 0, cy = 0] = [a, b, c].flatMap((at) => [
    texels[at] ?? 0,
    texels[at + 1] ?? 0,
  ]);
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  const found: number[] = [];
  for (let y = Math.floor(Math.min(ay, by, cy)); y <= Math.max(ay, by, cy); y += 1) {
    for (let x = Math.floor(Math.min(ax, bx, cx)); x <= Math.max(ax, bx, cx); x += 1) {
      const [px, py] = [x + 0.5, y + 0.5];
      const l = ((px - ax) * (cy - ay) - (cx - ax) * (py - ay)) / area;
      const m = ((bx - ax) * (py - ay) - (px - ax) * (by - ay)) / area;
      if (l > 1e-3 && m > 1e-3 && l + m < 1 - 1e-3) found.push(y * size + x);
    }
  }
  return found;
}

/** Twice the signed area of a triangle in the atlas, square texels, positive when it is seen from outside. */
function areaOf({ texels, indices }: Unwrapped, triangle: number): number {
  const [a = 0, b = 0, c = 0] = [0, 1, 2].map((k) => 2 * (indices[3 * triangle + k] ?? 0));
  const u = (at: number): number => texels[at] ?? 0;
  const v = (at: number): number => texels[at + 1] ?? 0;
  return (u(c) - u(a)) * (v(b) - v(a)) - (u(b) - u(a)) * (v(c) - v(a));
}

/** With the most charts that are fine. */
const solids: readonly [string, Mesh, number][] = [
  ['a ball', ball(), 6],
  ['a ring', torus(), 12],
  ['a box of twelve triangles', box([1, 1, 1]), 6],
  [
    'a table of five parts',
    together(
      box([1, 0.1, 0.6], [0, 0.5, 0], 8),
      ...[-0.4, 0.4].flatMap((x) => [-0.2, 0.2].map((z) => box([0.08, 0.48, 0.08], [x, 0, z], 3))),
    ),
    30,
  ],
  ['a spiral ramp', spiral(), 60],
  ['a crumpled ball', crumpled(ball(0.5, 48, 24), 0.04), 600],
];

describe.each(solids)('the atlas of %s', (_, mesh, mostCharts) => {
  const atlas = unwrapped(mesh);
  const triangles = mesh.indices.length / 3;

  it('holds every triangle once, at its own vertices', () => {
    expect([...atlas.sourceTriangle].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: triangles }, (__, t) => t),
    );
    const corners = atlas.indices.map(
      (_vertex, at) => 3 * (atlas.sourceTriangle[Math.floor(at / 3)] ?? 0) + (at % 3),
    );
    expect(atlas.indices.map((vertex) => atlas.sourceVertex[vertex] ?? -1)).toEqual(
      corners.map((corner) => mesh.indices[corner] ?? -1),
    );
  });

  it('stays inside the picture', () => {
    expect(Math.min(...atlas.texels)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...atlas.texels)).toBeLessThanOrEqual(size - 1);
  });

  it('gives no texel to two charts, and keeps charts apart', () => {
    const owner = new Int32Array(size * size).fill(-1);
    let shared = 0;
    for (let t = 0; t < triangles; t += 1) {
      for (const texel of texelsInside(atlas, t)) {
        if (owner[texel] !== -1 && owner[texel] !== atlas.chartOf[t]) shared += 1;
        owner[texel] = atlas.chartOf[t] ?? -1;
      }
    }
    let close = 0;
    for (let at = 0; at < size * (size - 3); at += 1) {
      if (owner[at] === -1) continue;
      for (const step of [1, 2, 3, size, 2 * size, 3 * size]) {
        const other = owner[at + step] ?? -1;
        if (other !== -1 && other !== owner[at]) close += 1;
      }
    }
    expect({ shared, close }).toEqual({ shared: 0, close: 0 });
  });

  it('lays every chart flat, without folds', () => {
    const taken = new Uint8Array(size * size);
    let twice = 0;
    let all = 0;
    let folded = 0;
    for (let t = 0; t < triangles; t += 1) {
      if (areaOf(atlas, t) < -0.05) folded += 1;
      for (const texel of texelsInside(atlas, t)) {
        all += 1;
        twice += taken[texel] ?? 0;
        taken[texel] = 1;
      }
    }
    expect(folded).toBe(0);
    expect(twice).toBeLessThanOrEqual(all / 1000);
  });

  it('has few seams, one scale, and uses the picture well', () => {
    const flat = atlas.chartOf.reduce((sum, __, t) => sum + areaOf(atlas, t) / 2, 0);
    expect(flat / size ** 2).toBeGreaterThan(0.3);
    expect(atlas.chartCount).toBeLessThanOrEqual(mostCharts);
  });
});

describe('an atlas', () => {
  it('takes hundreds of parts', () => {
    const parts = Array.from({ length: 400 }, (_, k) =>
      box([0.03, 0.03, 0.03], [(k % 20) / 20, Math.floor(k / 20) / 20, 0]),
    );
    const atlas = unwrapped(together(...parts));
    expect(atlas.chartCount).toBe(2400);
    expect(Math.max(...atlas.texels)).toBeLessThanOrEqual(size);
  });

  it('does not fit when there are more charts than places for them', () => {
    const parts = Array.from({ length: 400 }, (_, k) => box([0.03, 0.03, 0.03], [k / 20, 0, 0]));
    const mesh = together(...parts);
    const surface = surfaceOf(mesh);
    expect(unwrap(mesh, surface, cutCharts(mesh, surface, 100), 64)).toBeUndefined();
  });

  it('puts slivers into the chart around them, whatever their own normal says', () => {
    // A square whose middle line is a triangle without height that is turned over.
    const mesh: Mesh = {
      positions: Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0.5, 0.5, 1e-9]),
      indices: Uint32Array.from([0, 1, 4, 1, 2, 4, 2, 3, 0, 0, 4, 2]),
    };
    expect(unwrapped(mesh).chartCount).toBe(1);
  });
});
