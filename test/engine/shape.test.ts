import { beforeAll, describe, expect, it } from 'vitest';
import { solidNamed } from '../../scripts/solids/index.js';
import type { Solid } from '../../scripts/solids/sdf.js';
import { ball, block, rod } from '../../scripts/solids/sdf.js';
import { volumeIou } from '../../scripts/solids/volume.js';
import { project } from '../../src/engine/camera.js';
import { silhouetteFit } from '../../src/engine/fit.js';
import type { Shot } from '../../src/engine/outlines.js';
import type { Shape, ShapeOptions } from '../../src/engine/shape.js';
import { buildShape } from '../../src/engine/shape.js';
import { topologyOf } from '../../src/engine/topology.js';
import type { Mesh, ViewName } from '../../src/engine/types.js';
import { quiet, shotsOf } from './support.js';

const build = (shots: Shot[], options: Partial<ShapeOptions> = {}): Promise<Shape> =>
  buildShape(shots, { shape: 'auto', targetTriangles: 6000, grid: 96, ...options }, quiet);

function sizeOf({ positions }: Mesh): { low: number[]; high: number[]; size: number[] } {
  const axis = (c: number): number[] => Array.from(positions.filter((_, at) => at % 3 === c));
  const low = [0, 1, 2].map((c) => Math.min(...axis(c)));
  const high = [0, 1, 2].map((c) => Math.max(...axis(c)));
  return { low, high, size: high.map((value, c) => value - (low[c] ?? 0)) };
}

/** Nothing about it is symmetric: a nose to the front at the top, an arm to its +X side, a tail low at the back. */
const pointer: Solid = {
  name: 'pointer',
  parts: [
    block([0, 0.6, 0], [0.3, 0.6, 0.4], [180, 60, 60]),
    rod([0, 1, 0.3], [0, 1, 1.2], 0.15, [60, 60, 180]),
    rod([0.2, 0.7, 0], [0.8, 0.9, 0], 0.12, [60, 160, 60]),
    rod([0, 0.2, -0.3], [0, 0.25, -0.8], 0.15, [200, 200, 60]),
  ],
};

/** The same, front and back or left and right exchanged. */
function mirrored(solid: Solid, axis: 0 | 2): Solid {
  const flip = (x: number, z: number): [number, number] => (axis === 0 ? [-x, z] : [x, -z]);
  return {
    name: solid.name,
    parts: solid.parts.map((part) => {
      const [ax, az] = flip(part.min[0], part.min[2]);
      const [bx, bz] = flip(part.max[0], part.max[2]);
      return {
        ...part,
        distance: (x, y, z) => {
          const [fx, fz] = flip(x, z);
          return part.distance(fx, y, fz);
        },
        min: [Math.min(ax, bx), part.min[1], Math.min(az, bz)],
        max: [Math.max(ax, bx), part.max[1], Math.max(az, bz)],
      };
    }),
  };
}

describe('buildShape', () => {
  describe('of an object without symmetry', () => {
    let shots: Record<ViewName, Shot>;
    beforeAll(() => {
      const [front, left, back, right, top] = shotsOf(pointer, ['front', 'left', 'back', 'right', 'top']);
      if (!front || !left || !back || !right || !top) throw new Error('five shots');
      shots = { front, left, back, right, top };
    });

    it('faces +Z, with the left camera at -X and the right one at +X', async () => {
      for (const side of ['left', 'right'] as const) {
        const { mesh, mode } = await build([shots.front, shots[side]], { shape: 'inflate' });
        expect(mode).toBe('hull');
        const truth = volumeIou(pointer, mesh, 48);
        expect(truth).toBeGreaterThan(0.75);
        expect(volumeIou(mirrored(pointer, 0), mesh, 48)).toBeLessThan(truth - 0.1);
        expect(volumeIou(mirrored(pointer, 2), mesh, 48)).toBeLessThan(truth - 0.1);
      }
    });

    it('takes the depth from the top when there is no side', async () => {
      const { mesh } = await build([shots.front, shots.top]);
      const { size } = sizeOf(mesh);
      expect((size[2] ?? 0) / (size[1] ?? 1)).toBeCloseTo(2.3 / 1.2, 1);
      expect(volumeIou(pointer, mesh, 48)).toBeGreaterThan(volumeIou(mirrored(pointer, 2), mesh, 48) + 0.05);
    });

    it('is closed and fills the silhouette of each of its views', async () => {
      const { mesh, views, watertight } = await build(Object.values(shots), { grid: 128 });
      expect(watertight).toBe(true);
      expect(views.map(({ name }) => name).toSorted()).toEqual(['back', 'front', 'left', 'right', 'top']);
      for (const view of views) expect(silhouetteFit(mesh, view).iou, view.name).toBeGreaterThan(0.93);
    });

    it('stands on the ground, 1 m large, and places each view so that pixels fall on the mesh', async () => {
      const { mesh, views } = await build(Object.values(shots));
      const { low, high, size } = sizeOf(mesh);
      expect(low[1]).toBeCloseTo(0, 6);
      expect(Math.max(...size)).toBeCloseTo(1, 6);
      expect((low[0] ?? 0) + (high[0] ?? 0)).toBeCloseTo(0, 6);
      expect((low[2] ?? 0) + (high[2] ?? 0)).toBeCloseTo(0, 6);
      for (const view of views) {
        const corners = [low, high].map(([x = 0, y = 0, z = 0]) => project(view, [x, y, z]));
        const { box } = view;
        const near = (pixels: number, edges: number[]): void => {
          const sorted = edges.toSorted((a, b) => a - b);
          expect(Math.abs((pixels === 0 ? sorted[0] : sorted[1]) ?? 0)).toBeLessThan(2.5);
        };
        near(
          0,
          corners.map(({ u }) => Math.abs(u - box.x0)),
        );
        near(
          0,
          corners.map(({ u }) => Math.abs(u - box.x1)),
        );
        near(
          0,
          corners.map(({ v }) => Math.abs(v - box.y0)),
        );
        near(
          0,
          corners.map(({ v }) => Math.abs(v - box.y1)),
        );
      }
    });

    it('guesses the depth from one silhouette, seen from the front only or also from behind', async () => {
      for (const views of [[shots.front], [shots.front, shots.back]]) {
        const { mode, mesh } = await build(views, { shape: 'inflate' });
        expect(mode).toBe('inflate');
        expect(sizeOf(mesh).size[2]).toBeLessThan(0.9);
      }
    });

    it('reports how far opposite views disagree', async () => {
      const agreeing = await build([shots.front, shots.back]);
      expect(agreeing.overlaps.front).toBeGreaterThan(0.97);
      const wrong = await build([shots.front, { ...shots.left, name: 'back' }]);
      expect(wrong.overlaps.front).toBeLessThan(0.8);
    });
  });

  it('makes the solid and the depth that are asked for', async () => {
    const shots = shotsOf(solidNamed('chair'), ['front']);
    for (const shape of ['inflate', 'lathe', 'extrude'] as const) {
      const { mode, mesh, watertight } = await build(shots, { shape, depth: 0.5 });
      const { size } = sizeOf(mesh);
      expect(mode).toBe(shape);
      expect(watertight).toBe(true);
      expect((size[2] ?? 0) / (size[0] ?? 1)).toBeCloseTo(0.5, 1);
    }
    const deep = await build(shots, { shape: 'extrude', depth: 4 });
    expect(sizeOf(deep.mesh).size[2]).toBeCloseTo(1, 6);
  });

  it('chooses by the look of the object and not by the grid', async () => {
    const expected = {
      can: 'lathe',
      crate: 'extrude',
      teddy: 'inflate',
      house: 'extrude',
      goblet: 'lathe',
    } as const;
    for (const [name, mode] of Object.entries(expected)) {
      const shots = shotsOf(solidNamed(name), ['front']);
      for (const grid of [40, 64]) expect((await build(shots, { grid })).mode, name).toBe(mode);
    }
  });

  it('keeps an antenna that is thinner than the grid', async () => {
    const radio: Solid = {
      name: 'radio',
      parts: [
        block([0, 0.5, 0], [0.8, 0.5, 0.3], [90, 60, 40]),
        rod([0.6, 0.9, 0], [0.9, 2, 0], 0.012, [200, 200, 200]),
        ball([0.9, 2, 0], 0.05, [200, 30, 30]),
      ],
    };
    for (const views of [['front'], ['front', 'left']] as const) {
      const { parts, mesh } = await build(shotsOf(radio, views, 256), { grid: 64, shape: 'inflate' });
      const { size } = sizeOf(mesh);
      expect(parts).toBe(1);
      expect((size[1] ?? 0) / (size[0] ?? 1)).toBeCloseTo(2.05 / 1.75, 1);
    }
  });

  it('keeps separate parts and counts them', async () => {
    const { parts, watertight } = await build(shotsOf(solidNamed('robot'), ['front', 'left']), { grid: 112 });
    expect(parts).toBe(3);
    expect(watertight).toBe(true);
  });

  it('comes as close to the truth as two pictures allow', async () => {
    const least = { can: 0.98, goblet: 0.98, chair: 0.97, mushroom: 0.98, car: 0.95, bird: 0.82 };
    for (const [name, volume] of Object.entries(least)) {
      const solid = solidNamed(name);
      const { mesh, views, parts } = await build(shotsOf(solid, ['front', 'left'], 224), {
        targetTriangles: 12_000,
        grid: 128,
      });
      const { watertight, bad } = topologyOf(mesh.indices, mesh.positions.length / 3);
      expect({ name, watertight, bad, parts }).toEqual({ name, watertight: true, bad: [], parts: 1 });
      expect(mesh.indices.length / 3).toBeLessThanOrEqual(12_000);
      expect(volumeIou(solid, mesh, 64), name).toBeGreaterThan(volume);
      for (const view of views) expect(silhouetteFit(mesh, view).iou, name).toBeGreaterThan(0.95);
    }
  });

  it('carves wings out of a top view', async () => {
    const plane = solidNamed('plane');
    const [front, left, top] = shotsOf(plane, ['front', 'left', 'top']);
    if (!front || !left || !top) throw new Error('three shots');
    const two = await build([front, left]);
    const three = await build([front, left, top]);
    expect(volumeIou(plane, three.mesh, 64)).toBeGreaterThan(volumeIou(plane, two.mesh, 64) + 0.2);
  });
});
