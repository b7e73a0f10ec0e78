import type { Node, Skin } from '@gltf-transform/core';
import type { Geometry } from './geometry.js';
import { toFloats } from './geometry.js';
import type { Mat4 } from './mat4.js';
import { IDENTITY, multiply, normalMatrix } from './mat4.js';

/** From the space of a mesh to world space. */

/** Positions with the default weights of the morph targets applied. */
export function morphed(node: Node, { primitive, positions, read }: Geometry): Float32Array {
  const weights = node.getWeights().length > 0 ? node.getWeights() : (node.getMesh()?.getWeights() ?? []);
  let out = positions;
  for (const [i, target] of primitive.listTargets().entries()) {
    const weight = weights[i] ?? 0;
    const accessor = target.getAttribute('POSITION');
    if (weight === 0 || accessor === null) continue;
    const offsets = read(accessor);
    if (out === positions) out = positions.slice();
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
export interface Influences {
  joints: Float32Array[];
  weights: Float32Array[];
  /** The matrix that carries a vertex of the bind pose to world space, per joint. */
  matrices: Mat4[];
}

/** What a skin does to a primitive; `undefined` when the primitive has no joints. */
export function skinning(
  { primitive, read }: Geometry,
  skin: Skin,
  world: (node: Node) => Mat4,
): Influences | undefined {
  const joints: Float32Array[] = [];
  const weights: Float32Array[] = [];
  for (let set = 0; set < 4; set++) {
    const joint = primitive.getAttribute(`JOINTS_${set}`);
    const weight = primitive.getAttribute(`WEIGHTS_${set}`);
    if (!joint || !weight) break;
    joints.push(read(joint));
    weights.push(read(weight));
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
