import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/engine/iso-surface.js';
import { isoSurface } from '../../src/engine/iso-surface.js';
import { simplify } from '../../src/engine/simplify.js';
import { smooth, triangulate } from '../../src/engine/smooth.js';
import { topologyOf } from '../../src/engine/topology.js';
import type { Mesh } from '../../src/engine/types.js';

/** A field over an n^3 grid whose outermost nodes are outside. */
function fieldOf(n: number, value: (x: number, y: number, z: number) => number): Field {
  const values = new Float32Array(n * n * n).fill(-1);
  for (let k = 1; k < n - 1; k += 1) {
    for (let j = 1; j < n - 1; j += 1) {
      for (let i = 1; i < n - 1; i += 1) values[(k * n + j) * n + i] = value(i, j, k);
    }
  }
  return { nx: n, ny: n, nz: n, values };
}

/** Mulberry32: the same field for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function volumeOf({ positions, indices }: Mesh): number {
  const p = (vertex: number): [number, number, number] => [
    positions[3 * vertex] ?? 0,
    positions[3 * vertex + 1] ?? 0,
    positions[3 * vertex + 2] ?? 0,
  ];
  let six = 0;
  for (let t = 0; t < indices.length; t += 3) {
    const [a, b, c] = [p(indices[t] ?? 0), p(indices[t + 1] ?? 0), p(indices[t + 2] ?? 0)];
    six +=
      a[0] * (b[1] * c[2] - b[2] * c[1]) +
      a[1] * (b[2] * c[0] - b[0] * c[2]) +
      a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return six / 6;
}

const rod = (u: number, v: number, cu: number, cv: number): number => 1.2 - Math.hypot(u - cu, v - cv);

const topology = (mesh: Mesh) => topologyOf(mesh.indices, mesh.positions.length / 3);

describe('isoSurface', () => {
  it('is closed and manifold even for noise, where every kind of cell meets every other', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.1, max: 0.9, noNaN: true }), (seed, share) => {
        const next = random(seed);
        const mesh = triangulate(isoSurface(fieldOf(14, () => share - next())));
        expect(topology(mesh)).toMatchObject({ watertight: true, bad: [] });
      }),
      { numRuns: 60 },
    );
  });

  it('has the volume of the ball it is made of, facing out', () => {
    const mesh = triangulate(
      isoSurface(fieldOf(40, (x, y, z) => 15 - Math.hypot(x - 19.3, y - 19.6, z - 19.5))),
    );
    expect(volumeOf(mesh) / ((4 / 3) * Math.PI * 15 ** 3)).toBeCloseTo(1, 1);
    expect(volumeOf(mesh)).toBeGreaterThan(0);
    expect(topology(mesh).parts).toBe(1);
  });

  it('keeps its volume when it is smoothed', () => {
    const quads = isoSurface(
      fieldOf(40, (x, y, z) => 12 - Math.max(...[x, y, z].map((v) => Math.abs(v - 19.5)))),
    );
    const before = volumeOf(triangulate(quads));
    smooth(quads, 3);
    expect(volumeOf(triangulate(quads)) / before).toBeCloseTo(1, 1);
  });
});

describe('simplify', () => {
  it('keeps thin and knotted shapes closed, manifold and whole', async () => {
    const rods = fieldOf(48, (x, y, z) => {
      return Math.max(
        rod(x, y, 10, 10),
        rod(x, y, 12.6, 11.3),
        rod(y, z, 10.5, 24),
        rod(x, z, 30, 30),
        0.55 - Math.abs(z - 40.2),
        6 - Math.hypot(x - 36, y - 36, z - 12),
      );
    });
    const mesh = triangulate(isoSurface(rods));
    const { parts } = topology(mesh);
    const result = await simplify(mesh, 1500);
    expect(result).toMatchObject({ watertight: true, parts });
    expect(topology(result.mesh)).toMatchObject({ watertight: true, bad: [], parts });
    expect(result.mesh.indices.length / 3).toBeLessThan(2500);
  });

  it('keeps heaps of balls, some of them single cells, closed and manifold', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const next = random(seed);
      const balls = Array.from(
        { length: 90 },
        () => [3 + 26 * next(), 3 + 26 * next(), 3 + 26 * next(), 3 * next()] as const,
      );
      const field = fieldOf(32, (x, y, z) =>
        Math.max(...balls.map(([a, b, c, r]) => r - Math.hypot(x - a, y - b, z - c))),
      );
      const mesh = triangulate(isoSurface(field));
      const result = await simplify(mesh, mesh.indices.length / 9);
      expect(topology(result.mesh)).toMatchObject({ watertight: true, bad: [], parts: topology(mesh).parts });
      expect(result.mesh.indices.length).toBeLessThan(0.6 * mesh.indices.length);
    }
  });
});
