import { MeshoptSimplifier } from 'meshoptimizer';
import { topologyOf } from './topology.js';
import type { Mesh } from './types.js';

export interface Simplified {
  mesh: Mesh;
  watertight: boolean;
  parts: number;
  /** It has more triangles than were asked for, because fewer would ruin it. */
  isLimited: boolean;
}

/** Tries with more and more of the surface held fast around the places that broke. */
const TRIES = 4;
/**
 * How far the surface may move in all, as a share of the largest side: 20,000 triangles take 0.003 of it, 500 some
 * 0.02. Beyond, thin parts fold over, and what is left may be closed and still be nothing like the object.
 */
const MAX_ERROR = 0.04;
/** Locked places may cost this many times the triangles asked for. */
const OVER = 1.1;
/** Error and triangles that a step with locked places may have, as shares of those without and of those wanted. */
const LOCKED_SLACK = 1.25;
/** Reduction of each step when one step does not lead there. */
const STEP = 0.4;

/**
 * Reduces a closed mesh to about `targetTriangles` and keeps it closed, manifold and in as many parts. The
 * simplifier does not promise that, so its result is checked; where it broke, the vertices around are locked and it
 * starts again. What does not go in one step is gone towards in several, as far as it holds and keeps its form.
 */
export async function simplify(mesh: Mesh, targetTriangles: number): Promise<Simplified> {
  await MeshoptSimplifier.ready;
  const { watertight, parts } = topologyOf(mesh.indices, mesh.positions.length / 3);
  let best: Reduced = { mesh, error: 0 };
  const count = (): number => best.mesh.indices.length / 3;
  const tooMany = (): boolean => count() > OVER * targetTriangles;
  if (tooMany()) best = reduce(best, targetTriangles) ?? best;
  for (let before = Infinity; tooMany() && count() <= 0.95 * before;) {
    before = count();
    best = reduce(best, Math.max(targetTriangles, STEP * before)) ?? best;
  }
  return { mesh: best.mesh, watertight, parts, isLimited: tooMany() };
}

interface Reduced {
  mesh: Mesh;
  /** How far its surface has moved in all steps together, like `MAX_ERROR`. */
  error: number;
}

/** One step; undefined when the mesh would not stay whole. */
function reduce({ mesh, error: before }: Reduced, targetTriangles: number): Reduced | undefined {
  const vertices = mesh.positions.length / 3;
  const original = topologyOf(mesh.indices, vertices);
  const locked = new Uint8Array(vertices);
  let limit = Math.max(0, MAX_ERROR - before);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const [indices, error] = MeshoptSimplifier.simplifyWithAttributes(
      mesh.indices,
      mesh.positions,
      3,
      new Float32Array(0),
      0,
      [],
      locked,
      3 * Math.floor(targetTriangles),
      limit,
      ['Regularize'],
    );
    const { watertight, bad, parts } = topologyOf(indices, vertices);
    if (watertight && bad.length === 0 && parts === original.parts) {
      // Far from its target around locked places, it took from all others what they had to lose: go there slowly.
      if (attempt > 1 && indices.length > 3 * LOCKED_SLACK * targetTriangles) return undefined;
      return { mesh: compact(mesh.positions, indices), error: before + error };
    }
    if (attempt === 1) limit = Math.min(limit, LOCKED_SLACK * error);
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
