import type { Mesh } from './types.js';

/** What charts and baking need to know of a mesh beyond its triangles. */
export interface Surface {
  /** Unit normal of each triangle; a sliver has that of its vertices. */
  faceNormals: Float32Array;
  /** Square metres. */
  faceAreas: Float32Array;
  /** Unit normal of each vertex: its triangles' normals weighted by the angle they span there, without slivers. */
  vertexNormals: Float32Array;
  /** The triangle across edge k (corner k to corner k + 1) of triangle t at `3 * t + k`, -1 where there is none. */
  neighbours: Int32Array;
}

/** Height over longest side under which a triangle is a sliver, whose own normal is rounding noise. */
const sliverHeight = 2e-3;

export function surfaceOf(mesh: Mesh): Surface {
  const { faceNormals, faceAreas } = faces(mesh);
  const vertexNormals = smoothNormals(mesh, faceNormals);
  fillSlivers(mesh, faceNormals, vertexNormals);
  return { faceNormals, faceAreas, vertexNormals, neighbours: neighboursOf(mesh) };
}

/** Areas, and normals that are zero for slivers. */
function faces({ positions, indices }: Mesh): Pick<Surface, 'faceNormals' | 'faceAreas'> {
  const count = indices.length / 3;
  const faceNormals = new Float32Array(count * 3);
  const faceAreas = new Float32Array(count);
  for (let t = 0; t < count; t += 1) {
    const a = 3 * (indices[3 * t] ?? 0);
    const b = 3 * (indices[3 * t + 1] ?? 0);
    const c = 3 * (indices[3 * t + 2] ?? 0);
    const ax = positions[a] ?? 0;
    const ay = positions[a + 1] ?? 0;
    const az = positions[a + 2] ?? 0;
    const ux = (positions[b] ?? 0) - ax;
    const uy = (positions[b + 1] ?? 0) - ay;
    const uz = (positions[b + 2] ?? 0) - az;
    const vx = (positions[c] ?? 0) - ax;
    const vy = (positions[c + 1] ?? 0) - ay;
    const vz = (positions[c + 2] ?? 0) - az;
    const x = uy * vz - uz * vy;
    const y = uz * vx - ux * vz;
    const z = ux * vy - uy * vx;
    const length = Math.hypot(x, y, z);
    faceAreas[t] = length / 2;
    const longest = Math.max(
      ux * ux + uy * uy + uz * uz,
      vx * vx + vy * vy + vz * vz,
      (ux - vx) ** 2 + (uy - vy) ** 2 + (uz - vz) ** 2,
    );
    if (length <= sliverHeight * longest) continue;
    faceNormals[3 * t] = x / length;
    faceNormals[3 * t + 1] = y / length;
    faceNormals[3 * t + 2] = z / length;
  }
  return { faceNormals, faceAreas };
}

function smoothNormals({ positions, indices }: Mesh, faceNormals: Float32Array): Float32Array {
  const normals = new Float32Array(positions.length);
  for (let at = 0; at < indices.length; at += 1) {
    const first = at - (at % 3);
    const vertex = 3 * (indices[at] ?? 0);
    const weight = angleAt(
      positions,
      vertex,
      3 * (indices[first + ((at + 1) % 3)] ?? 0),
      3 * (indices[first + ((at + 2) % 3)] ?? 0),
    );
    for (let k = 0; k < 3; k += 1) {
      normals[vertex + k] = (normals[vertex + k] ?? 0) + weight * (faceNormals[first + k] ?? 0);
    }
  }
  for (let at = 0; at < normals.length; at += 3) {
    const x = normals[at] ?? 0;
    const y = normals[at + 1] ?? 0;
    const z = normals[at + 2] ?? 0;
    const length = Math.hypot(x, y, z);
    // A vertex without any area around it still needs a unit normal in the file.
    normals[at] = length > 0 ? x / length : 0;
    normals[at + 1] = length > 0 ? y / length : 1;
    normals[at + 2] = length > 0 ? z / length : 0;
  }
  return normals;
}

function fillSlivers({ indices }: Mesh, faceNormals: Float32Array, vertexNormals: Float32Array): void {
  for (let at = 0; at < faceNormals.length; at += 3) {
    if (faceNormals[at] !== 0 || faceNormals[at + 1] !== 0 || faceNormals[at + 2] !== 0) continue;
    const sum = [0, 1, 2].map((k) =>
      [0, 1, 2].reduce(
        (total, corner) => total + (vertexNormals[3 * (indices[at + corner] ?? 0) + k] ?? 0),
        0,
      ),
    );
    const length = Math.hypot(...sum) || 1;
    faceNormals.set(
      sum.map((value) => value / length),
      at,
    );
  }
}

/** Angle at `from` between the ways to `a` and `b`, radians; 0 where one of them has no length. */
function angleAt(positions: Float32Array, from: number, a: number, b: number): number {
  const x = positions[from] ?? 0;
  const y = positions[from + 1] ?? 0;
  const z = positions[from + 2] ?? 0;
  const ux = (positions[a] ?? 0) - x;
  const uy = (positions[a + 1] ?? 0) - y;
  const uz = (positions[a + 2] ?? 0) - z;
  const vx = (positions[b] ?? 0) - x;
  const vy = (positions[b + 1] ?? 0) - y;
  const vz = (positions[b + 2] ?? 0) - z;
  const lengths = Math.sqrt((ux * ux + uy * uy + uz * uz) * (vx * vx + vy * vy + vz * vz));
  if (lengths === 0) return 0;
  return Math.acos(Math.min(1, Math.max(-1, (ux * vx + uy * vy + uz * vz) / lengths)));
}

function neighboursOf({ positions, indices }: Mesh): Int32Array {
  const neighbours = new Int32Array(indices.length).fill(-1);
  // Edges that leave each vertex, as linked lists: an edge's partner runs the other way.
  const firstEdge = new Int32Array(positions.length / 3).fill(-1);
  const nextEdge = new Int32Array(indices.length);
  for (let edge = 0; edge < indices.length; edge += 1) {
    const from = indices[edge] ?? 0;
    nextEdge[edge] = firstEdge[from] ?? -1;
    firstEdge[from] = edge;
  }
  for (let edge = 0; edge < indices.length; edge += 1) {
    if (neighbours[edge] !== -1) continue;
    const from = indices[edge] ?? 0;
    const to = indices[edgeEnd(edge)] ?? 0;
    for (let other = firstEdge[to] ?? -1; other !== -1; other = nextEdge[other] ?? -1) {
      if (indices[edgeEnd(other)] !== from || neighbours[other] !== -1) continue;
      neighbours[edge] = (other - (other % 3)) / 3;
      neighbours[other] = (edge - (edge % 3)) / 3;
      break;
    }
  }
  return neighbours;
}

/** The corner at which the edge that begins at a corner ends. */
function edgeEnd(corner: number): number {
  return corner % 3 === 2 ? corner - 2 : corner + 1;
}
