import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { solidNamed } from '../../scripts/solids/index.js';
import type { Side } from '../../scripts/solids/picture.js';
import { pictureFile } from '../../scripts/solids/picture.js';
import { generate } from '../../src/engine/generate.js';
import type { GenerateInput, GenerateOutput } from '../../src/engine/types.js';
import { fitOf, quiet } from './support.js';

const small = { shape: 'auto', targetTriangles: 3000, textureSize: 1024 } as const;

async function views(name: string, sides: readonly Side[]): Promise<GenerateInput['views']> {
  const solid = solidNamed(name);
  return Promise.all(
    sides.map(async (side) => ({
      name: side,
      image: await pictureFile(solid, side, { size: 192, background: 'transparent' }),
    })),
  );
}

const make = async (
  name: string,
  sides: readonly Side[],
  more: Partial<GenerateInput> = {},
): Promise<GenerateOutput> => generate({ ...small, views: await views(name, sides), ...more }, quiet);

describe('generate', () => {
  it('makes a GLB and says what was done, with progress on the way', async () => {
    const seen: number[] = [];
    const { glb, report } = await generate(
      { ...small, views: await views('mushroom', ['front', 'left']) },
      (progress) => seen.push(progress.fraction),
    );
    expect(Buffer.from(glb.subarray(0, 4)).toString()).toBe('glTF');
    expect(report).toMatchObject({ mode: 'hull', watertight: true, parts: 1 });
    expect(report.triangles).toBeLessThanOrEqual(3000);
    expect(report.advice.join(' ')).not.toContain('target_triangles');
    expect(report.vertices).toBeGreaterThan(1000);
    expect(report.unseen).toBeLessThan(1);
    expect(fitOf(report, 'front')).toBeGreaterThan(0.97);
    expect(fitOf(report, 'left')).toBeGreaterThan(0.97);
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(new Set(seen).size).toBeGreaterThan(5);
  });

  it('makes the same file of the same pictures', async () => {
    const [first, second] = [await make('can', ['front']), await make('can', ['front'])];
    expect(Buffer.from(first.glb).equals(second.glb)).toBe(true);
  });

  it.each(['robot', 'bird'])(
    'keeps the form of a %s when far too few triangles are asked for, and says how many it has',
    async (name) => {
      const { report } = await make(name, ['front', 'left'], { targetTriangles: 300 });
      expect(report).toMatchObject({ watertight: true });
      expect(report.triangles).toBeLessThan(1500);
      for (const { silhouetteIou } of report.views) expect(silhouetteIou).toBeGreaterThan(0.93);
      expect(report.advice.at(-1)).toBe(
        `target_triangles: 300 are too few for this shape, which would lose its form or break; it was reduced no further than to ${report.triangles.toLocaleString('en-US')}.`,
      );
    },
  );

  it('says that one picture is a guess, and which one would help most', async () => {
    const { report } = await make('teddy', ['front']);
    expect(report.advice[0]).toMatch(/depth is a guess.*left_image_url/);
    const both = await make('teddy', ['front', 'left']);
    expect(both.report.advice.join()).not.toMatch(/guess/);
  });

  it('warns with figures when the pictures show different objects', async () => {
    const [front] = await views('mushroom', ['front']);
    const [back] = await views('chair', ['back']);
    if (!front || !back) throw new Error('two views');
    const { report } = await generate({ ...small, views: [front, back] }, quiet);
    expect(report.advice.join('\n')).toMatch(/image_url and back_image_url .* overlap by 0\.\d\d/);
    const [left] = await views('mug', ['left']);
    if (!left) throw new Error('a view');
    const colours = await generate({ ...small, views: [front, left] }, quiet);
    expect(colours.report.advice.join('\n')).toMatch(
      /left_image_url and image_url share \d+ % of their colours/,
    );
  });

  it('tells of separate pieces', async () => {
    const { report } = await make('robot', ['front', 'left']);
    expect(report.parts).toBe(3);
    expect(report.advice.join('\n')).toMatch(/3 separate pieces/);
  });

  it('uses a given mask', async () => {
    const [front] = await views('mug', ['front']);
    if (!front) throw new Error('a view');
    const mask = await sharp(front.image).extractChannel('alpha').png().toBuffer();
    const noise = await sharp({
      create: {
        width: 192,
        height: 192,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .png()
      .toBuffer();
    const { report } = await generate({ ...small, views: [{ name: 'front', image: noise }], mask }, quiet);
    expect(report.views[0]).toMatchObject({ maskMethod: 'given', maskConfidence: 1 });
    expect(fitOf(report, 'front')).toBeGreaterThan(0.96);
  });

  it('refuses what it cannot use, and names the argument', async () => {
    await expect(generate({ ...small, views: [] }, quiet)).rejects.toMatchObject({
      code: 'invalid_arguments',
      field: 'image_url',
    });
    const empty = await sharp({ create: { width: 64, height: 64, channels: 4, background: '#0000' } })
      .png()
      .toBuffer();
    const [front] = await views('can', ['front']);
    if (!front) throw new Error('a view');
    await expect(
      generate({ ...small, views: [front, { name: 'left', image: empty }] }, quiet),
    ).rejects.toMatchObject({ code: 'invalid_image', field: 'left_image_url' });
  });
});
