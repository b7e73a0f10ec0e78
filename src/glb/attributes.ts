import type { Accessor, Node, Primitive, Skin } from '@gltf-transform/core';
import type { Mat4 } from './mat4.js';
import { IDENTITY, multiply, normalMatrix } from './mat4.js';

/** Vertex attributes as plain numbers in world space. */

/**
 * The values of an accessor as floats, normalised integers decoded (glTF 2.0 specification, 3.11). The
 * accessor's own array when it holds floats already.
 */
export function toFloats(accessor: Accessor): Float32Array {
  const array = accessor.getArray();
  if (array === null) return new Float32Array(accessor.getCount() * accessor.getElementSize());
  if (array instanceof Float32Array) return array;
  const out = new Float32Array(array);
  const max = accessor.getNormalized() ? largest(array) : 1;
  if (max !== 1) for (let i = 0; i < out.length; i++) out[i] = Math.max((out[i] ?? 0) / max, -1);
  return out;
}

function largest(array: ArrayBufferView): number {
  if (array instanceof Uint8Array) return 255;
  if (array instanceof Int8Array) return 127;
  if (array instanceof Uint16Array) return 65535;
  return array instanceof Int16Array ? 32767 : 1;
}

/** Positions with the default weights of the morph targets applied. */
export function morphed(node: Node, primitive: Primitive, base: Float32Array): Float32Array {
  const targets = primitive.listTargets();
  const weights = node.getWeights().length > 0 ? node.getWeights() : (node.getMesh()?.getWeights() ?? []);
  let out = base;
  for (const [i, target] of targets.entries()) {
    const weight = weights[i] ?? 0;
    const accessor = target.getAttribute('POSITION');
    if (weight === 0 || accessor === null) continue;
    const offsets = toFloats(accessor);
    if (out === base) out = base.slice();
    const length = Math.min(out.length, offsets.length);
    for (let j = 0; j < length; j++) out[j] = (out[j] ?? 0) + weight * (offsets[j] ?? 0);
  }
  return out;
}

export function transformPositions(positions: Float32Array, matrix: Mat4): Float32Array {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0, , tx = 0, ty = 0, tz = 0] =
    matrix;
  const out = new Float32Array(positions.length);
  for (let k = 0; k + 2 < positions.length; k += 3) {
    const x = positions[k] ?? 0;
    const y = positions[k + 1] ?? 0;
    const z = positions[k + 2] ?? 0;
    out[k] = a * x + d * y + g * z + tx;
    out[k + 1] = b * x + e * y + h * z + ty;
    out[k + 2] = c * x + f * y + i * z + tz;
  }
  return out;
}

/** Not of unit length afterwards: whoever interpolates normals has to normalise them anyway. */
export function transformNormals(normals: Float32Array, matrix: Mat4): Float32Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = unitScale(normalMatrix(matrix));
  const out = new Float32Array(normals.length);
  for (let k = 0; k + 2 < normals.length; k += 3) {
    const x = normals[k] ?? 0;
    const y = normals[k + 1] ?? 0;
    const z = normals[k + 2] ?? 0;
    out[k] = a * x + d * y + g * z;
    out[k + 1] = b * x + e * y + h * z;
    out[k + 2] = c * x + f * y + i * z;
  }
  return out;
}

/** Keeps normals of a scene in millimetres from vanishing in 32 bits. */
function unitScale(matrix: number[]): number[] {
  const scale = Math.max(...matrix.map(Math.abs));
  return scale > 0 ? matrix.map((value) => value / scale) : matrix;
}

/** For each vertex four (or eight) joints with their weights. */
interface Influences {
  joints: ArrayLike<number>[];
  weights: Float32Array[];
  /** The matrix that carries a vertex of the bind pose to world space, per joint. */
  matrices: Mat4[];
}

/** What a skin does to a primitive; `undefined` when the primitive has no joints. */
export function skinning(
  primitive: Primitive,
  skin: Skin,
  world: (node: Node) => Mat4,
): Influences | undefined {
  const joints: ArrayLike<number>[] = [];
  const weights: Float32Array[] = [];
  for (let set = 0; set < 4; set++) {
    const joint = primitive.getAttribute(`JOINTS_${set}`)?.getArray();
    const weight = primitive.getAttribute(`WEIGHTS_${set}`);
    if (!joint || !weight) break;
    joints.push(joint);
    weights.push(toFloats(weight));
  }
  if (joints.length === 0) return undefined;
  const accessor = skin.getInverseBindMatrices();
  const inverse = accessor && toFloats(accessor);
  const matrices = skin.listJoints().map((joint, i) => {
    const bind =
      inverse && inverse.length >= 16 * (i + 1)
        ? Array.from(inverse.subarray(16 * i, 16 * i + 16))
        : IDENTITY;
    return multiply(world(joint), bind);
  });
  return { joints, weights, matrices };
}

/** Positions and normals of a skinned primitive in world space, in the pose that the nodes have. */
export function applySkin(
  { joints, weights, matrices }: Influences,
  positions: Float32Array,
  normals: Float32Array | undefined,
): { positions: Float32Array; normals: Float32Array | undefined } {
  const outPositions = new Float32Array(positions.length);
  const outNormals = normals && new Float32Array(normals.length);
  const blend = new Float64Array(12);
  for (let vertex = 0; 3 * vertex < positions.length; vertex++) {
    blend.fill(0);
    let total = 0;
    for (let set = 0; set < joints.length; set++) {
      for (let k = 0; k < 4; k++) {
        const weight = weights[set]?.[4 * vertex + k] ?? 0;
        const matrix = matrices[joints[set]?.[4 * vertex + k] ?? 0];
        if (weight === 0 || matrix === undefined) continue;
        total += weight;
        for (let column = 0; column < 4; column++) {
          for (let row = 0; row < 3; row++) {
            const at = 3 * column + row;
            blend[at] = (blend[at] ?? 0) + weight * (matrix[4 * column + row] ?? 0);
          }
        }
      }
    }
    if (total > 0) for (let i = 0; i < 12; i++) blend[i] = (blend[i] ?? 0) / total;
    else for (let i = 0; i < 3; i++) blend[4 * i] = 1;
    carry(blend, positions, outPositions, vertex, 1);
    // Without the cofactors this is only right for joints of even scale, which nearly all are.
    if (normals && outNormals) carry(blend, normals, outNormals, vertex, 0);
  }
  return { positions: outPositions, normals: outNormals };
}

function carry(m: Float64Array, from: Float32Array, to: Float32Array, vertex: number, w: number): void {
  const x = from[3 * vertex] ?? 0;
  const y = from[3 * vertex + 1] ?? 0;
  const z = from[3 * vertex + 2] ?? 0;
  for (let row = 0; row < 3; row++) {
    to[3 * vertex + row] =
      (m[row] ?? 0) * x + (m[3 + row] ?? 0) * y + (m[6 + row] ?? 0) * z + (m[9 + row] ?? 0) * w;
  }
}
