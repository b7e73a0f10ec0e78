import { Document } from '@gltf-transform/core';
import {
  EXTMeshoptCompression,
  EXTTextureWebP,
  KHRDracoMeshCompression,
  KHRMeshQuantization,
  KHRTextureBasisu,
} from '@gltf-transform/extensions';
import draco from 'draco3dgltf';
import { MeshoptEncoder } from 'meshoptimizer';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspect } from '../../src/glb/inspect.js';
import { createIO } from '../../src/glb/load.js';
import { render } from '../../src/glb/render.js';
import type { Rgb } from './fixtures.js';
import { addNode, addPrimitive, matte, squares, uastcKtx2 } from './fixtures.js';
import type { Pixels } from './pictures.js';
import { decode, difference } from './pictures.js';

/** One model in every packing that providers and tools use: each has to look like the plain one. */

const STEPS = [0, 1, 2, 3, 4, 5, 6, 7];
const COLORS = STEPS.map((y) => STEPS.map((x): Rgb => [30 + 28 * x, 30 + 28 * y, (x + y) % 2 ? 40 : 220]));

/** A ball with a picture of coloured squares around it. */
async function ball(): Promise<Document> {
  const document = new Document();
  const texture = document
    .createTexture('squares')
    .setMimeType('image/png')
    .setImage(new Uint8Array(await squares(COLORS, 4)));
  const segments = 48;
  const positions: number[] = [];
  const uvs: number[] = [];
  const indices: number[] = [];
  for (let row = 0; row <= segments; row++) {
    for (let column = 0; column <= segments; column++) {
      const [theta, phi] = [(2 * Math.PI * column) / segments, (Math.PI * row) / segments];
      positions.push(Math.sin(phi) * Math.sin(theta), Math.cos(phi), Math.sin(phi) * Math.cos(theta));
      uvs.push(column / segments, row / segments);
      if (row === segments || column === segments) continue;
      const at = row * (segments + 1) + column;
      indices.push(at, at + segments + 1, at + 1, at + 1, at + segments + 1, at + segments + 2);
    }
  }
  const material = matte(document, [1, 1, 1]).setBaseColorTexture(texture);
  addNode(
    document,
    'ball',
    addPrimitive(document, { positions, normals: positions, uvs, indices }, material),
  );
  return document;
}

async function drawn(file: Uint8Array): Promise<Pixels> {
  const result = await render(file, { size: 512 });
  expect(result.notes).toEqual([]);
  return decode(result);
}

let plain: Pixels;
beforeAll(async () => {
  plain = await drawn(await createIO().writeBinary(await ball()));
});

describe('a model looks the same', () => {
  it('with Draco compression', async () => {
    const document = await ball();
    document.createExtension(KHRDracoMeshCompression).setRequired(true);
    const io = createIO().registerDependencies({ 'draco3d.encoder': await draco.createEncoderModule() });
    const file = await io.writeBinary(document);
    expect(difference(plain, await drawn(file))).toBeLessThan(1);
    expect((await inspect(file)).extensionsRequired).toEqual(['KHR_draco_mesh_compression']);
  });

  it.each(['quantize', 'filter'] as const)('with meshopt compression (%s)', async (method) => {
    const document = await ball();
    document
      .createExtension(EXTMeshoptCompression)
      .setRequired(true)
      .setEncoderOptions({
        method: EXTMeshoptCompression.EncoderMethod[method === 'filter' ? 'FILTER' : 'QUANTIZE'],
      });
    await MeshoptEncoder.ready;
    const file = await createIO()
      .registerDependencies({ 'meshopt.encoder': MeshoptEncoder })
      .writeBinary(document);
    expect(difference(plain, await drawn(file))).toBeLessThan(1);
  });

  it('with quantized attributes', async () => {
    const document = await ball();
    document.createExtension(KHRMeshQuantization).setRequired(true);
    const [primitive] = document.getRoot().listMeshes()[0]?.listPrimitives() ?? [];
    const quantize = (
      semantic: string,
      array: Int8Array<ArrayBuffer> | Int16Array<ArrayBuffer> | Uint16Array<ArrayBuffer>,
      max: number,
    ) => {
      const accessor = primitive?.getAttribute(semantic);
      const values = accessor?.getArray() ?? [];
      for (let i = 0; i < array.length; i++) array[i] = Math.round((values[i] ?? 0) * max);
      accessor?.setArray(array).setNormalized(true);
    };
    const count = primitive?.getAttribute('POSITION')?.getCount() ?? 0;
    quantize('POSITION', new Int16Array(3 * count), 32767);
    quantize('NORMAL', new Int8Array(3 * count), 127);
    quantize('TEXCOORD_0', new Uint16Array(2 * count), 65535);
    const file = await createIO().writeBinary(document);
    expect(difference(plain, await drawn(file))).toBeLessThan(1);
    expect((await inspect(file)).size).toEqual([2, 2, 2].map((value) => expect.closeTo(value, 3)));
  });

  it('with WebP textures', async () => {
    const document = await ball();
    document.createExtension(EXTTextureWebP).setRequired(true);
    document
      .getRoot()
      .listTextures()[0]
      ?.setMimeType('image/webp')
      .setImage(new Uint8Array(await squares(COLORS, 4, 'webp')));
    expect(difference(plain, await drawn(await createIO().writeBinary(document)))).toBeLessThan(0.5);
  });

  it('with KTX2 textures', async () => {
    const document = await ball();
    document.createExtension(KHRTextureBasisu).setRequired(true);
    document
      .getRoot()
      .listTextures()[0]
      ?.setMimeType('image/ktx2')
      .setImage(new Uint8Array(uastcKtx2(COLORS)));
    const file = await createIO().writeBinary(document);
    expect(difference(plain, await drawn(file))).toBeLessThan(0.5);
    expect((await inspect(file)).textures[0]).toMatchObject({
      mimeType: 'image/ktx2',
      width: 32,
      height: 32,
      gpuBytes: 1024,
    });
  });
});
