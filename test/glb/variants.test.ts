import { beforeAll, describe, expect, it } from 'vitest';
import { inspect } from '../../src/glb/inspect.js';
import { render } from '../../src/glb/render.js';
import { PACKED, plainBall } from './packed.js';
import type { Pixels } from './pictures.js';
import { decode, difference } from './pictures.js';

async function drawn(file: Uint8Array): Promise<Pixels> {
  const result = await render(file, { size: 512 });
  expect(result.notes).toEqual([]);
  return decode(result);
}

let plain: Pixels;
beforeAll(async () => {
  plain = await drawn(await plainBall());
});

describe.each(Object.entries(PACKED))('a model with %s', (_how, packed) => {
  it('looks and measures like the plain one', async () => {
    const file = await packed.file();
    expect(difference(plain, await drawn(file))).toBeLessThan(1);
    const { extensionsRequired, size } = await inspect(file);
    expect(extensionsRequired).toContain(packed.extension);
    expect(size).toEqual([2, 2, 2].map((value) => expect.closeTo(value, 3)));
  });
});

it('tells the size of a KTX2 texture, also on the graphics card', async () => {
  const file = await PACKED['KTX2 textures']?.file();
  expect((await inspect(file ?? new Uint8Array())).textures[0]).toMatchObject({
    mimeType: 'image/ktx2',
    width: 32,
    height: 32,
    gpuBytes: 1024,
  });
});
