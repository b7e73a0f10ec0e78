import type { Bounds, ScenePrimitive } from './scene.js';
import type { SurfaceInfo } from './types.js';

/**
 * The surface of a whole scene as a graph. Vertices at the same place count as one, whatever primitive they
 * belong to: seams in texture coordinates or between materials are no holes.
 */

/** Places per axis of the bounds: points closer together than a quarter of a millionth of the model are one. */
const GRID = 2 ** 22;

export function surfaceOf(primitives: readonly ScenePrimitive[], bounds: Bounds | undefined): SurfaceInfo {
  const none = { boundaryEdges: 0, nonManifoldEdges: 0, flippedEdges: 0, parts: 0, degenerateTriangles: 0 };
  if (bounds === undefined) return { watertight: false, ...none, volume: null };
  const places = weld(primitives, bounds);
  const { corners, degenerate, volume } = collectTriangles(primitives, places, bounds);
  const edges = countEdges(corners, places.count);
  const parts = countParts(corners, places.count);
  const watertight = corners.length > 0 && edges.boundary === 0 && edges.nonManifold === 0;
  return {
    watertight,
    boundaryEdges: edges.boundary,
    nonManifoldEdges: edges.nonManifold,
    flippedEdges: edges.flipped,
    parts,
    degenerateTriangles: degenerate,
    volume: watertight && edges.flipped === 0 ? Number(volume.toPrecision(6)) : null,
  };
}

interface Places {
  /** Number of the place of each vertex, per primitive. */
  of: Uint32Array[];
  count: number;
}

/** Open addressing over positions on a fine grid. */
function weld(primitives: readonly ScenePrimitive[], { min, max }: Bounds): Places {
  const total = primitives.reduce((sum, { positions }) => sum + positions.length / 3, 0);
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * total)));
  const mask = size - 1;
  const table = new Uint32Array(size);
  const keys = new Int32Array(3 * total);
  const cell = Math.max(max[0] - min[0], max[1] - min[1], max[2] - min[2]) / GRID || 1;
  let count = 0;
  const of = primitives.map(({ positions }) => {
    const out = new Uint32Array(positions.length / 3);
    for (let i = 0; i < out.length; i++) {
      const x = Math.round(((positions[3 * i] ?? 0) - min[0]) / cell) | 0;
      const y = Math.round(((positions[3 * i + 1] ?? 0) - min[1]) / cell) | 0;
      const z = Math.round(((positions[3 * i + 2] ?? 0) - min[2]) / cell) | 0;
      let hash = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b) ^ Math.imul(z, 0xc2b2ae35);
      hash ^= hash >>> 15;
      for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
        const place = (table[slot] ?? 0) - 1;
        if (place === -1) {
          keys[3 * count] = x;
          keys[3 * count + 1] = y;
          keys[3 * count + 2] = z;
          table[slot] = ++count;
          out[i] = count - 1;
          break;
        }
        if (keys[3 * place] === x && keys[3 * place + 1] === y && keys[3 * place + 2] === z) {
          out[i] = place;
          break;
        }
      }
    }
    return out;
  });
  return { of, count };
}

/** The corners of all triangles that are not collapsed, as places. */
function collectTriangles(
  primitives: readonly ScenePrimitive[],
  places: Places,
  { min, max }: Bounds,
): { corners: Uint32Array; degenerate: number; volume: number } {
  const corners = new Uint32Array(primitives.reduce((sum, { indices }) => sum + indices.length, 0));
  const extent = Math.max(max[0] - min[0], max[1] - min[1], max[2] - min[2]);
  // Twice the area of a triangle that is a point or a line to 32-bit numbers.
  const nothing = extent * extent * 1e-12;
  let length = 0;
  let degenerate = 0;
  let volume = 0;
  for (const [k, { positions, indices }] of primitives.entries()) {
    const of = places.of[k];
    if (!of) continue;
    for (let i = 0; i + 2 < indices.length; i += 3) {
      const ia = indices[i] ?? 0;
      const ib = indices[i + 1] ?? 0;
      const ic = indices[i + 2] ?? 0;
      const a = of[ia] ?? 0;
      const b = of[ib] ?? 0;
      const c = of[ic] ?? 0;
      if (a === b || b === c || c === a) {
        degenerate++;
        continue;
      }
      corners[length] = a;
      corners[length + 1] = b;
      corners[length + 2] = c;
      length += 3;
      const ax = (positions[3 * ia] ?? 0) - min[0];
      const ay = (positions[3 * ia + 1] ?? 0) - min[1];
      const az = (positions[3 * ia + 2] ?? 0) - min[2];
      const bx = (positions[3 * ib] ?? 0) - min[0] - ax;
      const by = (positions[3 * ib + 1] ?? 0) - min[1] - ay;
      const bz = (positions[3 * ib + 2] ?? 0) - min[2] - az;
      const cx = (positions[3 * ic] ?? 0) - min[0] - ax;
      const cy = (positions[3 * ic + 1] ?? 0) - min[1] - ay;
      const cz = (positions[3 * ic + 2] ?? 0) - min[2] - az;
      const nx = by * cz - bz * cy;
      const ny = bz * cx - bx * cz;
      const nz = bx * cy - by * cx;
      if (nx * nx + ny * ny + nz * nz <= nothing * nothing) degenerate++;
      volume += (ax * nx + ay * ny + az * nz) / 6;
    }
  }
  return { corners: corners.subarray(0, length), degenerate, volume };
}

/** Edges are sorted into buckets by their lower place; a bucket holds a handful. */
function countEdges(
  corners: Uint32Array,
  places: number,
): { boundary: number; nonManifold: number; flipped: number } {
  const start = new Uint32Array(places + 1);
  for (let i = 0; i < corners.length; i++) {
    const from = corners[i] ?? 0;
    const to = corners[i % 3 === 2 ? i - 2 : i + 1] ?? 0;
    const low = from < to ? from : to;
    start[low] = (start[low] ?? 0) + 1;
  }
  let sum = 0;
  for (let i = 0; i <= places; i++) {
    sum += start[i] ?? 0;
    start[i] = sum;
  }
  // Filled from the back, so that `start` ends up as the beginning of each bucket.
  const high = new Uint32Array(corners.length);
  const forward = new Int8Array(corners.length);
  for (let i = 0; i < corners.length; i++) {
    const from = corners[i] ?? 0;
    const to = corners[i % 3 === 2 ? i - 2 : i + 1] ?? 0;
    const low = from < to ? from : to;
    const at = (start[low] ?? 0) - 1;
    start[low] = at;
    high[at] = from < to ? to : from;
    forward[at] = from < to ? 1 : -1;
  }
  const counts = { boundary: 0, nonManifold: 0, flipped: 0 };
  // Last bucket in which each place was met, and what was counted for it there.
  const seenIn = new Int32Array(places).fill(-1);
  const uses = new Uint32Array(places);
  const balance = new Int32Array(places);
  for (let low = 0; low < places; low++) {
    const begin = start[low] ?? 0;
    const end = start[low + 1] ?? corners.length;
    for (let i = begin; i < end; i++) {
      const other = high[i] ?? 0;
      const fresh = seenIn[other] !== low;
      seenIn[other] = low;
      uses[other] = (fresh ? 0 : (uses[other] ?? 0)) + 1;
      balance[other] = (fresh ? 0 : (balance[other] ?? 0)) + (forward[i] ?? 0);
    }
    for (let i = begin; i < end; i++) {
      const other = high[i] ?? 0;
      if (seenIn[other] !== low) continue;
      seenIn[other] = -1;
      const triangles = uses[other] ?? 0;
      if (triangles === 1) counts.boundary++;
      else if (triangles > 2) counts.nonManifold++;
      else if (balance[other] !== 0) counts.flipped++;
    }
  }
  return counts;
}

/** Pieces that share no place, by union-find. */
function countParts(corners: Uint32Array, places: number): number {
  const parent = new Uint32Array(places);
  for (let i = 0; i < places; i++) parent[i] = i;
  const find = (place: number): number => {
    let at = place;
    for (let up = parent[at] ?? at; up !== at; up = parent[at] ?? at) {
      // Every step halves the path for those who come after.
      const next = parent[up] ?? up;
      parent[at] = next;
      at = next;
    }
    return at;
  };
  const used = new Uint8Array(places);
  let parts = 0;
  for (let i = 0; i + 2 < corners.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      const place = corners[i + k] ?? 0;
      if (used[place] === 0) {
        used[place] = 1;
        parts++;
      }
    }
    const root = find(corners[i] ?? 0);
    for (let k = 1; k < 3; k++) {
      const other = find(corners[i + k] ?? 0);
      const mine = find(root);
      if (other === mine) continue;
      parent[other] = mine;
      parts--;
    }
  }
  return parts;
}
