import { EXTMeshoptCompression, KHRDracoMeshCompression } from '@gltf-transform/extensions';
import { Document } from '@gltf-transform/core';
import draco from 'draco3dgltf';
import { MeshoptEncoder } from 'meshoptimizer';
import { createIO } from '../../src/glb/load.js';
import { cubeGlb } from '../emulator/common/fixtures/glb.js';
import {
  addNode,
  addPrimitive,
  assemble,
  assembleText,
  colouredCube,
  cube,
  matte,
  plainCube,
  squares,
  toGlb,
  triangle,
  uastcKtx2,
} from '../glb/fixtures.js';

/** GLBs of every kind that is read, small, and those that were made to hurt. */
export function glbSeeds(): Promise<readonly Uint8Array[]> {
  seeds ??= make();
  return seeds;
}

let seeds: Promise<readonly Uint8Array[]> | undefined;

async function make(): Promise<Uint8Array[]> {
  const { json, bin } = triangle();
  return [
    assemble(json, bin),
    assemble({ ...json, ...PARTS }, bin),
    await toGlb(plainCube()),
    await toGlb(colouredCube()),
    await dracoCube(),
    await meshoptCube(),
    await texturedCube('image/png', await squares([[[1, 2, 3]]], 4)),
    await texturedCube('image/webp', await squares([[[1, 2, 3]]], 4, 'webp')),
    ktx2Quad(),
    new Uint8Array(cubeGlb({ material: 'pbr', bytes: undefined })),
    ...bombs(),
  ];
}

/** What the parsers look for in the JSON. */
export const GLB_TOKENS = [
  'POSITION', 'NORMAL', 'TEXCOORD_0', 'JOINTS_0', 'WEIGHTS_0', 'COLOR_0', 'TANGENT', 'bufferView', 'byteOffset',
  'byteStride', 'count', 'sparse', 'indices', 'values', 'targets', 'extensions', 'extensionsUsed', 'extensionsRequired',
  'KHR_draco_mesh_compression', 'EXT_meshopt_compression', 'KHR_texture_basisu', 'EXT_texture_webp', 'KHR_texture_transform',
  'KHR_materials_unlit', 'KHR_mesh_quantization', 'EXT_mesh_gpu_instancing', 'KHR_materials_variants', 'KHR_lights_punctual',
  'SCALAR', 'VEC2', 'VEC3', 'VEC4', 'MAT4', 'ATTRIBUTES', 'TRIANGLES', 'INDICES', 'children', 'mesh', 'skin', 'matrix', 'scale',
  'rotation', 'joints', 'inverseBindMatrices', 'channels', 'samplers', 'uri', 'data:application/octet-stream;base64,AAAA',
  'data:image/png;base64,', 'image/ktx2', 'alphaMode', 'BLEND', 'doubleSided', 'morph', 'weights', 'CUBICSPLINE', 'normalized',
]; // prettier-ignore

/** Everything that a triangle can carry, in one file: animation, skin, morph targets, a sparse accessor, a camera. */
const PARTS = {
  nodes: [
    { mesh: 0, children: [1], skin: 0, scale: [1, 2, 3] },
    { camera: 0, matrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] },
  ],
  cameras: [{ type: 'perspective', perspective: { yfov: 1, znear: 0.1 } }],
  skins: [{ joints: [1], inverseBindMatrices: 3 }],
  meshes: [
    {
      weights: [0.5],
      primitives: [
        { attributes: { POSITION: 0 }, targets: [{ POSITION: 1 }], mode: 4, material: 0 },
        { attributes: { POSITION: 0, NORMAL: 0 }, mode: 5 },
      ],
    },
  ],
  materials: [
    {
      name: 'm',
      alphaMode: 'BLEND',
      doubleSided: true,
      pbrMetallicRoughness: { baseColorFactor: [1, 0, 0, 0.5], metallicFactor: 0 },
      extensions: { KHR_materials_unlit: {} },
    },
  ],
  extensionsUsed: ['KHR_materials_unlit'],
  accessors: [
    { bufferView: 0, componentType: 5126, type: 'VEC3', count: 3, min: [0, 0, 0], max: [1, 1, 0] },
    {
      componentType: 5126,
      type: 'VEC3',
      count: 3,
      sparse: {
        count: 1,
        indices: { bufferView: 0, componentType: 5121 },
        values: { bufferView: 0, byteOffset: 12 },
      },
    },
    { bufferView: 0, componentType: 5126, type: 'SCALAR', count: 2 },
    { componentType: 5126, type: 'MAT4', count: 1 },
  ],
  animations: [
    {
      channels: [{ sampler: 0, target: { node: 0, path: 'translation' } }],
      samplers: [{ input: 2, output: 0, interpolation: 'LINEAR' }],
    },
  ],
};

async function dracoCube(): Promise<Uint8Array> {
  const document = plainCube();
  document.createExtension(KHRDracoMeshCompression).setRequired(true);
  const encoder = await draco.createEncoderModule();
  return createIO().registerDependencies({ 'draco3d.encoder': encoder }).writeBinary(document);
}

async function meshoptCube(): Promise<Uint8Array> {
  const document = plainCube();
  document.createExtension(EXTMeshoptCompression).setRequired(true);
  await MeshoptEncoder.ready;
  return createIO().registerDependencies({ 'meshopt.encoder': MeshoptEncoder }).writeBinary(document);
}

async function texturedCube(mimeType: string, image: Uint8Array): Promise<Uint8Array> {
  const document = new Document();
  const texture = document.createTexture('t').setMimeType(mimeType).setImage(new Uint8Array(image));
  const material = matte(document, [1, 1, 1]).setBaseColorTexture(texture);
  addNode(document, 'cube', addPrimitive(document, cube(), material));
  return toGlb(document);
}

function ktx2Quad(): Uint8Array {
  const { json, bin } = triangle();
  const image = uastcKtx2([[[1, 2, 3]]]);
  return assemble(
    {
      ...json,
      extensionsUsed: ['KHR_texture_basisu'],
      extensionsRequired: ['KHR_texture_basisu'],
      meshes: [{ primitives: [{ attributes: { POSITION: 0 }, material: 0 }] }],
      materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }],
      textures: [{ extensions: { KHR_texture_basisu: { source: 0 } } }],
      images: [{ bufferView: 1, mimeType: 'image/ktx2' }],
      bufferViews: [...json.bufferViews, { buffer: 0, byteOffset: 36, byteLength: image.length }],
      buffers: [{ byteLength: 36 + image.length }],
    },
    new Uint8Array(Buffer.concat([bin, image])),
  );
}

/** Small files that promise a lot. */
function bombs(): Uint8Array[] {
  const { json, bin } = triangle();
  const changed = (change: object): Uint8Array => assemble({ ...json, ...change }, bin);
  const accessors = (...more: object[]): Uint8Array => changed({ accessors: [...json.accessors, ...more] });
  const vec3 = { componentType: 5126, type: 'VEC3' };
  const nodes = <Node>(count: number, node: (i: number) => Node): Node[] =>
    Array.from({ length: count }, (_, i) => node(i));
  return [
    // Zeros that nobody stored: an accessor without a view takes its whole length in memory.
    accessors({ ...vec3, count: 80_000_000 }),
    accessors(...Array.from({ length: 64 }, () => ({ ...vec3, count: 1_300_000 }))),
    accessors({ ...vec3, count: 2 ** 53 }),
    accessors({
      ...vec3,
      count: 40_000_000,
      sparse: { count: 1, indices: { bufferView: 0, componentType: 5121 }, values: { bufferView: 0 } },
    }),
    // One mesh, a hundred thousand times.
    changed({ nodes: nodes(50_001, () => ({ mesh: 0 })), scenes: [{ nodes: nodes(50_001, (i) => i) }] }),
    changed({ nodes: nodes(900, (i) => (i < 899 ? { children: [i + 1], mesh: 0 } : { mesh: 0 })) }),
    changed({ nodes: [{ children: [0], mesh: 0 }] }),
    changed({
      extensionsUsed: ['EXT_mesh_gpu_instancing'],
      nodes: [{ mesh: 0, extensions: { EXT_mesh_gpu_instancing: { attributes: { TRANSLATION: 1 } } } }],
      accessors: [...json.accessors, { ...vec3, count: 5_000_000 }],
    }),
    changed({
      extensionsUsed: ['EXT_meshopt_compression'],
      bufferViews: [
        ...json.bufferViews,
        {
          buffer: 0,
          byteLength: 800_000_000,
          extensions: {
            EXT_meshopt_compression: {
              buffer: 0,
              byteLength: 36,
              byteStride: 4,
              count: 200_000_000,
              mode: 'ATTRIBUTES',
            },
          },
        },
      ],
    }),
    assembleText(`{"asset":{"version":"2.0"},"extras":${'['.repeat(190)}${']'.repeat(190)}}`),
    assembleText(`{"asset":{"version":"2.0"},"extras":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    // Positions with two numbers each: counts that are no whole ones.
    changed({
      meshes: [{ primitives: [{ attributes: { POSITION: 1 } }] }],
      accessors: [...json.accessors, { bufferView: 0, componentType: 5126, type: 'VEC2', count: 4 }],
    }),
    // Numbers, lists and names that are something else.
    changed({ materials: [{ pbrMetallicRoughness: { baseColorFactor: 255 } }] }),
    changed({ nodes: [{ mesh: 0, matrix: 'x', translation: {}, rotation: [1], scale: 5 }] }),
    changed({
      materials: [{ name: 5 }],
      nodes: [{ mesh: 0, name: {} }],
      meshes: [{ name: [], primitives: [{ attributes: { POSITION: 0 }, material: 0 }] }],
    }),
    changed({ animations: nodes(5000, () => ({ channels: [], samplers: [] })) }),
  ];
}
