import { MeshoptSimplifier } from 'meshoptimizer';
import { topologyOf } from './topology.js';
import type { Mesh } from './types.js';

export interface Simplified {
  mesh: Mesh;
  watertight: boolean;
  parts: number;
}

/** Tries with more and more of the surface held fast around the places that broke. */
const TRIES = 4;
/** No limit to how far the surface may move: the number of triangles is what was asked for. */
const MAX_ERROR = 1;
/** Locked places may cost this many times the triangles asked for. */
const OVER = 1.1;
/** Reduction of each step when one step does not lead there. */
const STEP = 0.4;

/**
 * Reduces a closed mesh to about `targetTriangles` and keeps it closed, manifold and in as many parts. The
 * simplifier does not promise that, so its result is checked; where it broke, the vertices around are locked and it
 * starts again. What does not go in one step is gone towards in several, as far as it holds.
 */
export async function simplify(mesh: Mesh, targetTriangles: number): Promise<Simplified> {
  await MeshoptSimplifier.ready;
  const { watertight, parts } = topologyOf(mesh.indices, mesh.positions.length / 3);
  let best = mesh;
  const tooMany = (): boolean => best.indices.length / 3 > OVER * targetTriangles;
  if (tooMany()) best = reduce(best, targetTriangles) ?? best;
  while (tooMany()) {
    const step = reduce(best, Math.max(targetTriangles, (STEP * best.indices.length) / 3));
    if (!step || step.indices.length > 0.95 * best.indices.length) break;
    best = step;
  }
  return { mesh: best, watertight, parts };
}

/** One step; undefined when the mesh would not stay whole. */
function reduce(mesh: Mesh, targetTriangles: number): Mesh | undefined {
  const vertices = mesh.positions.length / 3;
  const original = topologyOf(mesh.indices, vertices);
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
    if (watertight && bad.length === 0 && parts === original.parts) return compact(mesh.positions, indices);
    lockAround(locked, bad, mesh.indices, 2 * attempt);
    lockVanished(locked, indices, original.partOf);
  }
  return undefined;
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
