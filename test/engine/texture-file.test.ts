import { beforeAll, describe, expect, it } from 'vitest';
import { MeshwrightError } from '../../src/errors.js';
import type { TextureOutput } from '../../src/engine/texture.js';
import { texture } from '../../src/engine/texture.js';
import type { Mesh, ShapeMode, View, ViewName } from '../../src/engine/types.js';
import { blue, green, name, red } from '../support/palette.js';
import { ball, box, crumpled, spiral, together, torus } from '../support/solids.js';
import type { Textured } from '../support/textured.js';
import { quiet, readTextured, textured } from '../support/textured.js';
import { painted } from '../support/views.js';

const cases: [string, Mesh, ViewName[], ShapeMode][] = [
  ['a ball', ball(), ['front'], 'inflate'],
  ['a ring from four sides', torus(), ['front', 'left', 'back', 'right'], 'hull'],
  [
    'separate parts',
    together(box([0.2, 0.2, 0.2], [-0.4, 0, 0]), ball(0.2, 16, 8)),
    ['front', 'top'],
    'hull',
  ],
  ['twelve triangles', box([1, 1, 1]), ['front'], 'extrude'],
  ['a shape of a millimetre', box([0.001, 0.001, 0.001], [0, 0, 0], 2), ['front', 'left'], 'hull'],
  ['a ramp over itself', spiral(), ['front', 'left'], 'hull'],
  ['a crumpled ball', crumpled(ball(0.4, 48, 24), 0.03), ['front'], 'inflate'],
];

describe.each(cases)('the file of %s', (_, mesh, sides, mode) => {
  let result: TextureOutput;
  beforeAll(async () => {
    const span = 2.5 * mesh.positions.reduce((most, value) => Math.max(most, value), 0);
    const views = sides.map((side) => painted(mesh, side, () => green, { span }));
    result = await texture(mesh, views, { mode, textureSize: 256 }, quiet);
  });

  it('is flawless glTF', async () => {
    const { default: validator } = await import('gltf-validator');
    const triangles = mesh.indices.length / 3;
    expect(result.triangles).toBe(triangles);
    expect(await validator.validateBytes(result.glb)).toMatchObject({
      issues: { numErrors: 0, numWarnings: 0, numInfos: 0, numHints: 0, messages: [] },
      info: {
        generator: 'meshwright',
        drawCallCount: 1,
        materialCount: 1,
        hasTextures: true,
        totalTriangleCount: triangles,
        totalVertexCount: result.vertices,
      },
    });
  });

  it('is painted all over', async () => {
    const { texels } = await readTextured(result.glb);
    const names = new Set<string>();
    for (let at = 0; at < texels.length; at += 3) names.add(name(texels.subarray(at, at + 3)));
    expect([...names]).toEqual(['green']);
  });
});

describe('the file', () => {
  it('is the same for the same input', async () => {
    const mesh = ball();
    const paint = (): View[] => [
      painted(mesh, 'front', ([x]) => (x < 0 ? red : blue)),
      painted(mesh, 'left', () => green),
    ];
    const options = { mode: 'hull', textureSize: 256 } as const;
    const first = await texture(mesh, paint(), options, quiet);
    const second = await texture(mesh, paint(), options, quiet);
    expect(Buffer.from(first.glb).equals(Buffer.from(second.glb))).toBe(true);
  });

  it('has the texture size that was asked for', async () => {
    const mesh = ball();
    for (const textureSize of [64, 1024]) {
      const { width, height } = await textured(
        mesh,
        [painted(mesh, 'front', () => red)],
        'inflate',
        textureSize,
      );
      expect([width, height]).toEqual([textureSize, textureSize]);
    }
  });
});

describe('the surface', () => {
  let source: Mesh;
  let result: Textured;
  beforeAll(async () => {
    source = together(torus(), ball(0.1, 16, 8));
    result = await textured(source, [painted(source, 'front', () => red)], 'inflate');
  });

  it('is the one that came in', () => {
    const corners = ({ positions, indices }: { positions: Float32Array; indices: Uint32Array }): string[] => {
      const point = (at: number): string => [...positions.subarray(3 * at, 3 * at + 3)].join(' ');
      return Array.from({ length: indices.length / 3 }, (_, t) =>
        [0, 1, 2].map((k) => point(indices[3 * t + k] ?? 0)).join(' | '),
      ).toSorted();
    };
    expect(corners(result)).toEqual(corners(source));
  });

  it('stays closed: vertices on both sides of a seam have equal positions and normals', () => {
    const normalAt = new Map<string, string>();
    let differing = 0;
    for (let at = 0; at < result.positions.length; at += 3) {
      const position = result.positions.subarray(at, at + 3).join(' ');
      const normal = result.normals.subarray(at, at + 3).join(' ');
      if ((normalAt.get(position) ?? normal) !== normal) differing += 1;
      normalAt.set(position, normal);
    }
    expect(normalAt.size).toBe(source.positions.length / 3);
    expect(differing).toBe(0);
  });

  it('splits few vertices', () => {
    expect(result.positions.length).toBeLessThan(1.2 * source.positions.length);
  });
});

describe('texture', () => {
  it('tells how far it is, up to the end', async () => {
    const mesh = ball(0.5, 16, 8);
    const fractions: number[] = [];
    await texture(
      mesh,
      [painted(mesh, 'front', () => red)],
      { mode: 'inflate', textureSize: 64 },
      ({ fraction, stage }) => {
        fractions.push(fraction);
        expect(stage).toMatch(/^\w[\w ]+$/);
      },
    );
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });

  it.each<[string, Mesh]>([
    ['an empty mesh', { positions: new Float32Array(0), indices: new Uint32Array(0) }],
    ['a mesh without area', { positions: new Float32Array(9), indices: Uint32Array.of(0, 1, 2) }],
  ])('refuses %s', async (_, mesh) => {
    const view = painted(box([1, 1, 1]), 'front', () => red);
    const attempt = texture(mesh, [view], { mode: 'inflate', textureSize: 64 }, quiet);
    await expect(attempt).rejects.toThrow(MeshwrightError);
    await expect(attempt).rejects.toMatchObject({ code: 'generation_failed' });
  });
});
