import { Document } from '@gltf-transform/core';
import type { Material, Mesh, Primitive } from '@gltf-transform/core';
import sharp from 'sharp';
import { createIO } from '../../src/glb/load.js';

/** Models made in code, with numbers that are known. */

export type Rgb = [number, number, number];

export interface Shape {
  positions: number[];
  indices: number[];
  normals?: number[];
  uvs?: number[];
}

/** Adds a primitive; what the shape leaves out is left out of the file. */
export function addPrimitive(document: Document, shape: Shape, material?: Material): Primitive {
  const buffer = document.getRoot().listBuffers()[0] ?? document.createBuffer();
  const accessor = (
    type: 'SCALAR' | 'VEC2' | 'VEC3',
    array: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>,
  ) => document.createAccessor().setType(type).setArray(array).setBuffer(buffer);
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('VEC3', new Float32Array(shape.positions)))
    .setIndices(accessor('SCALAR', new Uint16Array(shape.indices)));
  if (shape.normals) primitive.setAttribute('NORMAL', accessor('VEC3', new Float32Array(shape.normals)));
  if (shape.uvs) primitive.setAttribute('TEXCOORD_0', accessor('VEC2', new Float32Array(shape.uvs)));
  if (material) primitive.setMaterial(material);
  return primitive;
}

/** A document with one node and one mesh of these primitives; `place` may move the node. */
export function addNode(
  document: Document,
  name: string,
  ...primitives: Primitive[]
): { mesh: Mesh; node: ReturnType<Document['createNode']> } {
  const scene = document.getRoot().listScenes()[0] ?? document.createScene();
  const mesh = document.createMesh(name);
  for (const primitive of primitives) mesh.addPrimitive(primitive);
  const node = document.createNode(name).setMesh(mesh);
  scene.addChild(node);
  return { mesh, node };
}

export const FACES = ['+z', '+x', '-z', '-x', '+y', '-y'] as const;
export type Face = (typeof FACES)[number];

/** One side of a cube of 1 m around the origin: right and up in the picture that looks at it, and its normal. */
const SIDES: Record<Face, { right: Rgb; up: Rgb; out: Rgb }> = {
  '+z': { right: [1, 0, 0], up: [0, 1, 0], out: [0, 0, 1] },
  '+x': { right: [0, 0, -1], up: [0, 1, 0], out: [1, 0, 0] },
  '-z': { right: [-1, 0, 0], up: [0, 1, 0], out: [0, 0, -1] },
  '-x': { right: [0, 0, 1], up: [0, 1, 0], out: [-1, 0, 0] },
  '+y': { right: [1, 0, 0], up: [0, 0, -1], out: [0, 1, 0] },
  '-y': { right: [1, 0, 0], up: [0, 0, 1], out: [0, -1, 0] },
};

export function quad(face: Face, size = 1): Required<Shape> {
  const { right, up, out } = SIDES[face];
  const corner = (r: number, u: number): number[] =>
    out.map((value, axis) => ((value + r * (right[axis] ?? 0) + u * (up[axis] ?? 0)) * size) / 2);
  return {
    positions: [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)].flat(),
    normals: [out, out, out, out].flat(),
    uvs: [0, 1, 1, 1, 1, 0, 0, 0],
    indices: [0, 1, 2, 0, 2, 3],
  };
}

export function merge(...shapes: Required<Shape>[]): Required<Shape> {
  let offset = 0;
  const indices = shapes.flatMap((shape) => {
    const own = shape.indices.map((index) => index + offset);
    offset += shape.positions.length / 3;
    return own;
  });
  return {
    positions: shapes.flatMap((shape) => shape.positions),
    normals: shapes.flatMap((shape) => shape.normals),
    uvs: shapes.flatMap((shape) => shape.uvs),
    indices,
  };
}

/** A cube with 24 vertices, so that every edge is a seam. */
export const cube = (size = 1): Required<Shape> => merge(...FACES.map((face) => quad(face, size)));

export function matte(document: Document, [r, g, b]: Rgb): Material {
  return document
    .createMaterial()
    .setBaseColorFactor([r, g, b, 1])
    .setMetallicFactor(0)
    .setRoughnessFactor(1);
}

export const FACE_COLORS: Record<Face, Rgb> = {
  '+z': [1, 0, 0],
  '+x': [0, 1, 0],
  '-z': [0, 0, 1],
  '-x': [1, 1, 0],
  '+y': [0, 1, 1],
  '-y': [1, 0, 1],
};

/** A cube whose sides are told apart by colour. */
export function colouredCube(): Document {
  const document = new Document();
  const sides = FACES.map((face) => addPrimitive(document, quad(face), matte(document, FACE_COLORS[face])));
  addNode(document, 'cube', ...sides);
  return document;
}

/** A cube of one material, for inspections. */
export function plainCube(size = 1): Document {
  const document = new Document();
  addNode(document, 'cube', addPrimitive(document, cube(size), matte(document, [0.5, 0.5, 0.5])));
  return document;
}

export const toGlb = (document: Document): Promise<Uint8Array> => createIO().writeBinary(document);

/** A GLB of any JSON and any bytes, valid or not. */
export function assemble(json: unknown, bin?: Uint8Array): Uint8Array {
  return assembleText(JSON.stringify(json), bin);
}

export function assembleText(text: string, bin?: Uint8Array): Uint8Array {
  const chunk = (type: number, data: Buffer, filler: number): Buffer => {
    const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3, filler)]);
    const header = Buffer.alloc(8);
    header.writeUInt32LE(padded.length, 0);
    header.writeUInt32LE(type, 4);
    return Buffer.concat([header, padded]);
  };
  const chunks = [
    chunk(0x4e4f534a, Buffer.from(text), 0x20),
    ...(bin ? [chunk(0x004e4942, Buffer.from(bin), 0)] : []),
  ];
  const header = Buffer.alloc(12);
  header.write('glTF');
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(12 + chunks.reduce((sum, { length }) => sum + length, 0), 8);
  return new Uint8Array(Buffer.concat([header, ...chunks]));
}

/** One triangle by hand: the JSON, for breaking it, and its 36 bytes of positions. */
export function triangle() {
  return {
    json: {
      asset: { version: '2.0' },
      scene: 0,
      scenes: [{ nodes: [0] }],
      nodes: [{ mesh: 0 }],
      meshes: [{ primitives: [{ attributes: { POSITION: 0 } }] }],
      accessors: [
        { bufferView: 0, componentType: 5126, type: 'VEC3', count: 3, min: [0, 0, 0], max: [1, 1, 0] },
      ],
      bufferViews: [{ buffer: 0, byteLength: 36 }],
      buffers: [{ byteLength: 36 }],
    },
    bin: new Uint8Array(new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0]).buffer),
  };
}

/** A picture of solid squares, row by row; each is `square` pixels wide. */
export async function squares(
  colors: Rgb[][],
  square: number,
  format: 'png' | 'webp' = 'png',
): Promise<Uint8Array> {
  const height = colors.length * square;
  const width = (colors[0]?.length ?? 0) * square;
  const data = Buffer.alloc(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set(colors[Math.floor(y / square)]?.[Math.floor(x / square)] ?? [0, 0, 0], 3 * (y * width + x));
    }
  }
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await (format === 'png' ? image.png() : image.webp({ lossless: true })).toBuffer());
}

/** A KTX2 texture of solid 4 × 4 blocks in UASTC (mode 8 of its specification), which nobody has to encode. */
export function uastcKtx2(colors: Rgb[][]): Uint8Array {
  const [rows, columns] = [colors.length, colors[0]?.length ?? 0];
  const blocks = Buffer.concat(colors.flat().map(solidBlock));
  const descriptor = Buffer.alloc(44);
  [
    44,
    0,
    2 | (40 << 16),
    166 | (1 << 8) | (2 << 16),
    3 | (3 << 8),
    16,
    0,
    127 << 16,
    0,
    0,
    0xffffffff,
  ].forEach((word, i) => descriptor.writeUInt32LE(word >>> 0, 4 * i));
  const head = Buffer.alloc(104);
  head.write('\xabKTX 20\xbb\r\n\x1a\n', 'latin1');
  const start = 160;
  // Format unknown to Vulkan, byte-wise, size, no depth, no layers, one face, one level, not packed any further.
  [0, 1, 4 * columns, 4 * rows, 0, 0, 1, 1, 0, 104, 44].forEach((word, i) =>
    head.writeUInt32LE(word, 12 + 4 * i),
  );
  for (const [at, value] of [
    [80, start],
    [88, blocks.length],
    [96, blocks.length],
  ] as const) {
    head.writeBigUInt64LE(BigInt(value), at);
  }
  const file = Buffer.alloc(start + blocks.length);
  head.copy(file);
  descriptor.copy(file, 104);
  blocks.copy(file, start);
  return new Uint8Array(file);
}

/** 5 bits of mode, then 8 bits each of red, green, blue and alpha. */
function solidBlock([r, g, b]: Rgb): Buffer {
  const bits = 0b10111n | (BigInt(r) << 5n) | (BigInt(g) << 13n) | (BigInt(b) << 21n) | (255n << 29n);
  const block = Buffer.alloc(16);
  block.writeBigUInt64LE(bits, 0);
  return block;
}
