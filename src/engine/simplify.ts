import { MeshoptSimplifier } from 'meshoptimizer';
import { topologyOf } from './topology.js';
import type { Mesh } from './types.js';

export interface Simplified {
  mesh: Mesh;
  watertight: boolean;
  parts: number;
}

/** Tries with more and more of the original surface held fast around the places that broke. */
const TRIES = 6;
/** No limit to how far the surface may move: the number of triangles is what was asked for. */
const MAX_ERROR = 1;

/**
 * Reduces a closed mesh to about `targetTriangles` and keeps it closed, manifold and in as many parts. The
 * simplifier does not promise that, so its result is checked; where it broke, the original vertices around are
 * locked and it starts again. When nothing helps the mesh stays as it is.
 */
export async function simplify(mesh: Mesh, targetTriangles: number): Promise<Simplified> {
  const vertices = mesh.positions.length / 3;
  const original = topologyOf(mesh.indices, vertices);
  const asItIs: Simplified = { mesh, watertight: original.watertight, parts: original.parts };
  if (mesh.indices.length <= 3 * targetTriangles) return asItIs;
  await MeshoptSimplifier.ready;
  const locked = new Uint8Array(vertices);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const [indices] = MeshoptSimplifier.simplifyWithAttributes(
      mesh.indices,
      mesh.positions,
      3,
      new Float32Array(0),
      0,
      [],
      locked,
      3 * Math.floor(targetTriangles),
      MAX_ERROR,
      ['Regularize'],
    );
    const { watertight, bad, parts } = topologyOf(indices, vertices);
    if (watertight && bad.length === 0 && parts === original.parts) {
      return { mesh: compact(mesh.positions, indices), watertight, parts };
    }
    lockAround(locked, bad, mesh.indices, 2 * attempt);
    lockVanished(locked, indices, original.partOf);
  }
  return asItIs;
}

/** Locks the parts of which no triangle is left; they are small. */
function lockVanished(locked: Uint8Array, indices: Uint32Array, partOf: Uint32Array): void {
  const left = new Uint8Array(partOf.length);
  for (const vertex of indices) left[partOf[vertex] ?? 0] = 1;
  for (let vertex = 0; vertex < partOf.length; vertex += 1) {
    if (left[partOf[vertex] ?? 0] === 0) locked[vertex] = 1;
  }
}

/** Locks the given vertices and those within a number of edges. */
function lockAround(locked: Uint8Array, seeds: number[], indices: Uint32Array, rings: number): void {
  for (const seed of seeds) locked[seed] = 1;
  for (let ring = 0; ring < rings; ring += 1) {
    const before = locked.slice();
    for (let t = 0; t < indices.length; t += 3) {
      const a = indices[t] ?? 0;
      const b = indices[t + 1] ?? 0;
      const c = indices[t + 2] ?? 0;
      if (before[a] || before[b] || before[c]) locked[a] = locked[b] = locked[c] = 1;
    }
  }
}

/** Leaves out the vertices that no triangle uses. */
function compact(positions: Float32Array, indices: Uint32Array): Mesh {
  const newIndex = new Int32Array(positions.length / 3).fill(-1);
  const kept: number[] = [];
  const out = new Uint32Array(indices.length);
  for (let at = 0; at < indices.length; at += 1) {
    const vertex = indices[at] ?? 0;
    if (newIndex[vertex] === -1) {
      newIndex[vertex] = kept.length / 3;
      kept.push(positions[3 * vertex] ?? 0, positions[3 * vertex + 1] ?? 0, positions[3 * vertex + 2] ?? 0);
    }
    out[at] = newIndex[vertex] ?? 0;
  }
  return { positions: Float32Array.from(kept), indices: out };
}
