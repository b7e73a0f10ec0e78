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
import { createIO } from '../../src/glb/load.js';
import type { Rgb } from './fixtures.js';
import { addNode, addPrimitive, matte, squares, uastcKtx2 } from './fixtures.js';

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

export const plainBall = async (): Promise<Uint8Array> => createIO().writeBinary(await ball());

async function withDraco(): Promise<Uint8Array> {
  const document = await ball();
  document.createExtension(KHRDracoMeshCompression).setRequired(true);
  return createIO()
    .registerDependencies({ 'draco3d.encoder': await draco.createEncoderModule() })
    .writeBinary(document);
}

async function withMeshopt(method: 'QUANTIZE' | 'FILTER'): Promise<Uint8Array> {
  const document = await ball();
  document
    .createExtension(EXTMeshoptCompression)
    .setRequired(true)
    .setEncoderOptions({ method: EXTMeshoptCompression.EncoderMethod[method] });
  // Filters pack normals into bytes, which plain glTF does not allow.
  if (method === 'FILTER') document.createExtension(KHRMeshQuantization).setRequired(true);
  await MeshoptEncoder.ready;
  return createIO().registerDependencies({ 'meshopt.encoder': MeshoptEncoder }).writeBinary(document);
}

async function withQuantization(): Promise<Uint8Array> {
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
  return createIO().writeBinary(document);
}

async function withTexture(
  require: (document: Document) => void,
  mimeType: string,
  image: Uint8Array,
): Promise<Uint8Array> {
  const document = await ball();
  require(document);
  document.getRoot().listTextures()[0]?.setMimeType(mimeType).setImage(new Uint8Array(image));
  return createIO().writeBinary(document);
}

export interface Packed {
  /** What the file cannot be read without. */
  extension: string;
  file: () => Promise<Uint8Array>;
}

export const PACKED: Readonly<Record<string, Packed>> = {
  'Draco compression': { extension: 'KHR_draco_mesh_compression', file: withDraco },
  'meshopt compression': { extension: 'EXT_meshopt_compression', file: () => withMeshopt('QUANTIZE') },
  'meshopt filters': { extension: 'EXT_meshopt_compression', file: () => withMeshopt('FILTER') },
  'quantized attributes': { extension: 'KHR_mesh_quantization', file: withQuantization },
  'WebP textures': {
    extension: 'EXT_texture_webp',
    file: async () =>
      withTexture(
        (document) => document.createExtension(EXTTextureWebP).setRequired(true),
        'image/webp',
        await squares(COLORS, 4, 'webp'),
      ),
  },
  'KTX2 textures': {
    extension: 'KHR_texture_basisu',
    file: () =>
      withTexture(
        (document) => document.createExtension(KHRTextureBasisu).setRequired(true),
        'image/ktx2',
        uastcKtx2(COLORS),
      ),
  },
};
