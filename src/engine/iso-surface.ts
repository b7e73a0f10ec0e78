import type { CellCase } from './dual-table.js';
import { cellCase, edgeCorners } from './dual-table.js';

/** Values at the nodes of a grid of unit cells, x fastest; positive inside. */
export interface Field {
  nx: number;
  ny: number;
  nz: number;
  values: Float32Array;
}

/** Quads, counter-clockwise seen from outside. */
export interface QuadMesh {
  positions: Float32Array;
  quads: Uint32Array;
}

/**
 * The surface where the field is zero, by dual marching cubes: one vertex per patch in a cell, one quad per crossed
 * edge. Closed and manifold for every field whose outermost nodes are all negative. Coordinates are node numbers.
 */
export function isoSurface(field: Field): QuadMesh {
  const cells = activeCells(field);
  keepManifold(cells);
  const positions = patchVertices(field, cells);
  return { positions, quads: edgeQuads(cells) };
}

interface Cells {
  /** Index of the active cell at a node (its lowest corner), plus 1; 0 where the surface is not. */
  indexAt: Int32Array;
  /** Node of each active cell. */
  node: Int32Array;
  /** Bits of the inside corners. */
  inside: Uint8Array;
  /** Bits of the faces on which the surface runs the other way. */
  flipped: Uint8Array;
  /** First vertex of each active cell. */
  firstVertex: Uint32Array;
  /** From a node to its neighbour along x, y, z. */
  steps: readonly [number, number, number];
}

function activeCells({ nx, ny, nz, values }: Field): Cells {
  const indexAt = new Int32Array(values.length);
  const steps = [1, nx, nx * ny] as const;
  const [, sy, sz] = steps;
  const nodes: number[] = [];
  const insides: number[] = [];
  for (let k = 0; k < nz - 1; k += 1) {
    for (let j = 0; j < ny - 1; j += 1) {
      let at = k * sz + j * sy;
      // Bits of the four corners on the left side of the cell, one for each of y and z.
      let left = columnBits(values, at, sy, sz);
      for (let i = 0; i < nx - 1; i += 1, at += 1) {
        const right = columnBits(values, at + 1, sy, sz);
        const bits = left | (right << 1);
        left = right;
        if (bits === 0 || bits === 255) continue;
        nodes.push(at);
        insides.push(bits);
        indexAt[at] = nodes.length;
      }
    }
  }
  return {
    indexAt,
    node: Int32Array.from(nodes),
    inside: Uint8Array.from(insides),
    flipped: new Uint8Array(nodes.length),
    firstVertex: new Uint32Array(nodes.length),
    steps,
  };
}

/** Corner bits 0, 2, 4, 6: the corners of a cell on its low x side. */
function columnBits(values: Float32Array, at: number, sy: number, sz: number): number {
  return (
    ((values[at] ?? 0) > 0 ? 1 : 0) |
    ((values[at + sy] ?? 0) > 0 ? 4 : 0) |
    ((values[at + sz] ?? 0) > 0 ? 16 : 0) |
    ((values[at + sy + sz] ?? 0) > 0 ? 64 : 0)
  );
}

function caseOf(cells: Cells, index: number): CellCase {
  return cellCase(cells.inside[index] ?? 0, cells.flipped[index] ?? 0);
}

/** Flips the faces over which two patches would share two edges. A flip only splits patches, so one pass is enough. */
function keepManifold(cells: Cells): void {
  for (let index = 0; index < cells.node.length; index += 1) {
    for (let axis = 0; axis < 3; axis += 1) {
      const high = 2 << (2 * axis);
      if ((caseOf(cells, index).doubled & high) === 0) continue;
      const beyond = (cells.indexAt[(cells.node[index] ?? 0) + (cells.steps[axis] ?? 0)] ?? 0) - 1;
      const low = 1 << (2 * axis);
      if (beyond < 0 || (caseOf(cells, beyond).doubled & low) === 0) continue;
      cells.flipped[index] = (cells.flipped[index] ?? 0) | high;
      cells.flipped[beyond] = (cells.flipped[beyond] ?? 0) | low;
    }
  }
}

/** Each patch's vertex is the mean of the points where the surface crosses its edges. */
function patchVertices({ nx, ny, values }: Field, cells: Cells): Float32Array {
  const { steps } = cells;
  const cornerStep = Array.from(
    { length: 8 },
    (_, corner) => (corner & 1) * steps[0] + ((corner >> 1) & 1) * steps[1] + (corner >> 2) * steps[2],
  );
  let count = 0;
  for (let index = 0; index < cells.node.length; index += 1) {
    cells.firstVertex[index] = count;
    count += caseOf(cells, index).patches;
  }
  const positions = new Float32Array(count * 3);
  const crossings = new Uint8Array(count);
  for (let index = 0; index < cells.node.length; index += 1) {
    const at = cells.node[index] ?? 0;
    const x = at % nx;
    const y = Math.floor(at / nx) % ny;
    const z = Math.floor(at / (nx * ny));
    const { patchOf } = caseOf(cells, index);
    const first = cells.firstVertex[index] ?? 0;
    for (let edge = 0; edge < 12; edge += 1) {
      const patch = patchOf[edge] ?? -1;
      if (patch < 0) continue;
      const [a, b] = edgeCorners[edge] ?? [0, 0];
      const va = values[at + (cornerStep[a] ?? 0)] ?? 0;
      const vb = values[at + (cornerStep[b] ?? 0)] ?? 0;
      const t = va / (va - vb);
      const axis = edge >> 2;
      const out = 3 * (first + patch);
      positions[out] = (positions[out] ?? 0) + x + (axis === 0 ? t : a & 1);
      positions[out + 1] = (positions[out + 1] ?? 0) + y + (axis === 1 ? t : (a >> 1) & 1);
      positions[out + 2] = (positions[out + 2] ?? 0) + z + (axis === 2 ? t : a >> 2);
      crossings[first + patch] = (crossings[first + patch] ?? 0) + 1;
    }
  }
  for (let vertex = 0; vertex < count; vertex += 1) {
    const n = crossings[vertex] ?? 1;
    for (let c = 0; c < 3; c += 1) positions[3 * vertex + c] = (positions[3 * vertex + c] ?? 0) / n;
  }
  return positions;
}

/** A quad per crossed edge, through the four cells around it. */
function edgeQuads(cells: Cells): Uint32Array {
  const quads: number[] = [];
  const { steps, indexAt, node } = cells;
  const vertexIn = (at: number, edge: number): number => {
    const index = (indexAt[at] ?? 0) - 1;
    return (cells.firstVertex[index] ?? 0) + (caseOf(cells, index).patchOf[edge] ?? 0);
  };
  for (let index = 0; index < node.length; index += 1) {
    const at = node[index] ?? 0;
    const bits = cells.inside[index] ?? 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const isIn = (bits & 1) !== 0;
      if (isIn === ((bits >> (1 << axis)) & 1) > 0) continue;
      // The edge from the cell's lowest corner along `axis`; around it in the order of a right-handed turn.
      const b = (axis + 1) % 3;
      const c = (axis + 2) % 3;
      const backB = steps[b] ?? 0;
      const backC = steps[c] ?? 0;
      const v0 = vertexIn(at, edgeIn(axis, 0, 0));
      const v1 = vertexIn(at - backB, edgeIn(axis, 1, 0));
      const v2 = vertexIn(at - backB - backC, edgeIn(axis, 1, 1));
      const v3 = vertexIn(at - backC, edgeIn(axis, 0, 1));
      if (isIn) quads.push(v0, v1, v2, v3);
      else quads.push(v0, v3, v2, v1);
    }
  }
  return Uint32Array.from(quads);
}

/** The edge along `axis` that is on the high side of a cell in axis `b = axis + 1` and in axis `c = axis + 2`. */
function edgeIn(axis: number, highB: number, highC: number): number {
  // Edges are numbered with the lower of the two other axes first.
  const [first, second] = axis === 1 ? [highC, highB] : [highB, highC];
  return 4 * axis + first + 2 * second;
}
