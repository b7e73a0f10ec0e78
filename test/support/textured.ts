import { Logger, NodeIO } from '@gltf-transform/core';
import sharp from 'sharp';
import { texture } from '../../src/engine/texture.js';
import type { Mesh, ShapeMode, View } from '../../src/engine/types.js';

/** What a GLB with one primitive and one texture holds, decoded. */
export interface Textured {
  positions: Float32Array;
  normals: Float32Array;
  uvs: Float32Array;
  indices: Uint32Array;
  /** sRGB, three bytes per texel. */
  texels: Uint8Array;
  width: number;
  height: number;
  /** Colour that a renderer shows at the point of the surface nearest to (x, y, z). */
  colourAt: (this: void, x: number, y: number, z: number) => [number, number, number];
}

export async function readTextured(glb: Uint8Array): Promise<Textured> {
  const io = new NodeIO().setLogger(new Logger(Logger.Verbosity.SILENT));
  const root = (await io.readBinary(glb)).getRoot();
  const primitive = root.listMeshes()[0]?.listPrimitives()[0];
  const image = root.listTextures()[0]?.getImage();
  if (!primitive || !image) throw new Error('the file has no textured mesh');
  const floats = (name: string): Float32Array =>
    Float32Array.from(primitive.getAttribute(name)?.getArray() ?? []);
  const positions = floats('POSITION');
  const uvs = floats('TEXCOORD_0');
  const indices = Uint32Array.from(primitive.getIndices()?.getArray() ?? []);
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;

  function colourAt(x: number, y: number, z: number): [number, number, number] {
    let nearest = Infinity;
    let u = 0;
    let v = 0;
    for (let t = 0; t < indices.length; t += 3) {
      const corners = [0, 1, 2].map((k) => indices[t + k] ?? 0);
      const [a = 0, b = 0, c = 0] = corners;
      const at = closest([x, y, z], vertex(a), vertex(b), vertex(c));
      if (at.distance >= nearest) continue;
      nearest = at.distance;
      u = corners.reduce((sum, corner, k) => sum + (at.weights[k] ?? 0) * (uvs[2 * corner] ?? 0), 0);
      v = corners.reduce((sum, corner, k) => sum + (at.weights[k] ?? 0) * (uvs[2 * corner + 1] ?? 0), 0);
    }
    const column = Math.min(width - 1, Math.floor(u * width));
    const row = Math.min(height - 1, Math.floor(v * height));
    const from = 3 * (row * width + column);
    return [data[from] ?? 0, data[from + 1] ?? 0, data[from + 2] ?? 0];
  }

  function vertex(at: number): Vec3 {
    return [positions[3 * at] ?? 0, positions[3 * at + 1] ?? 0, positions[3 * at + 2] ?? 0];
  }

  return { positions, normals: floats('NORMAL'), uvs, indices, texels: data, width, height, colourAt };
}

export const quiet = (): void => {};

/** Paints a mesh and reads the file. */
export async function textured(
  mesh: Mesh,
  views: View[],
  mode: ShapeMode = 'hull',
  textureSize = 256,
): Promise<Textured> {
  const { glb } = await texture(mesh, views, { mode, textureSize }, quiet);
  return readTextured(glb);
}

type Vec3 = readonly [number, number, number];

const minus = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** About the nearest point of a triangle: its plane's, with weights pulled into the triangle. */
function closest(point: Vec3, a: Vec3, b: Vec3, c: Vec3): { distance: number; weights: readonly number[] } {
  const [ab, ac, ap] = [minus(b, a), minus(c, a), minus(point, a)];
  const [d00, d01, d11, d20, d21] = [dot(ab, ab), dot(ab, ac), dot(ac, ac), dot(ap, ab), dot(ap, ac)];
  const scale = 1 / (d00 * d11 - d01 * d01 || 1);
  const second = Math.max(0, (d11 * d20 - d01 * d21) * scale);
  const third = Math.max(0, (d00 * d21 - d01 * d20) * scale);
  const first = Math.max(0, 1 - second - third);
  const total = first + second + third;
  const weights = [first / total, second / total, third / total];
  const [wa = 0, wb = 0, wc = 0] = weights;
  const gap = [0, 1, 2].map((k) => wa * (a[k] ?? 0) + wb * (b[k] ?? 0) + wc * (c[k] ?? 0) - (point[k] ?? 0));
  return { distance: Math.hypot(...gap), weights };
}
