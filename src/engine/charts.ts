import { along, chartAxes } from './chart-axes.js';
import { piecesOf } from './pieces.js';
import type { Surface } from './surface.js';
import type { Mesh } from './types.js';
import type { Charts } from './unfold.js';
import { unfold } from './unfold.js';

/** A triangle that turns further from its chart's axis than this (cosine) would be squeezed too much. */
const minFacing = 0.35;
/** The same for triangles of a small chart that joins its neighbour: a little squeezing for one seam less. */
const minFacingOfSmall = 0.12;
/** What an edge inside a chart is worth, against the cosine to its axis. */
const togetherness = 0.3;
const sweeps = 4;

/**
 * Planar charts by view axis: every triangle takes the axis it faces, neighbours are drawn to the same one,
 * connected triangles of one axis are a chart, charts too small to be worth a seam join a neighbour, and a chart
 * that would cover itself when it is projected (a spiral) is cut.
 *
 * @param texelsPerMetre About the resolution of the atlas; it says what is small.
 */
export function cutCharts(mesh: Mesh, surface: Surface, texelsPerMetre: number): Charts {
  const axis = facing(surface);
  settle(axis, surface);
  const total = surface.faceAreas.reduce((sum, area) => sum + area, 0);
  const small = Math.max(64 / texelsPerMetre ** 2, total / 500);
  for (let round = 0; round < 3; round += 1) {
    if (!absorbSmall(axis, mesh, surface, small)) break;
  }
  return unfold(axis, mesh, surface, texelsPerMetre);
}

/** Cosine between a triangle's normal and an axis of `chartAxes`. */
function facingOf(surface: Surface, triangle: number, axis: number): number {
  const axes = chartAxes[axis];
  return axes ? along(axes.toCamera, surface.faceNormals, 3 * triangle) : 0;
}

function facing(surface: Surface): Uint8Array {
  const result = new Uint8Array(surface.faceAreas.length);
  for (let t = 0; t < result.length; t += 1) {
    let best = 0;
    for (let axis = 1; axis < chartAxes.length; axis += 1) {
      if (facingOf(surface, t, axis) > facingOf(surface, t, best)) best = axis;
    }
    result[t] = best;
  }
  return result;
}

/** Straightens the borders: a triangle follows its neighbours where it faces their axis well enough. */
function settle(axisOf: Uint8Array, surface: Surface): void {
  const { neighbours } = surface;
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    let changed = 0;
    for (let t = 0; t < axisOf.length; t += 1) {
      const own = axisOf[t] ?? 0;
      let best = own;
      let bestScore = drawTo(own, t, axisOf, surface);
      for (let k = 0; k < 3; k += 1) {
        const other = neighbours[3 * t + k] ?? -1;
        const axis = other < 0 ? own : (axisOf[other] ?? 0);
        if (axis === own || facingOf(surface, t, axis) < minFacing) continue;
        const score = drawTo(axis, t, axisOf, surface);
        if (score > bestScore) {
          best = axis;
          bestScore = score;
        }
      }
      if (best === own) continue;
      axisOf[t] = best;
      changed += 1;
    }
    if (changed === 0) break;
  }
}

/** How well an axis suits a triangle: the cosine to it, and how many neighbours have it. */
function drawTo(axis: number, triangle: number, axisOf: Uint8Array, surface: Surface): number {
  let score = facingOf(surface, triangle, axis);
  for (let k = 0; k < 3; k += 1) {
    const other = surface.neighbours[3 * triangle + k] ?? -1;
    if (other >= 0 && axisOf[other] === axis) score += togetherness;
  }
  return score;
}

/**
 * Lets pieces of little area take the axis of the neighbour they share the longest border with.
 *
 * @param small Square metres.
 * @returns Whether any did.
 */
function absorbSmall(axisOf: Uint8Array, mesh: Mesh, surface: Surface, small: number): boolean {
  const { count, pieceOf, order, starts } = piecesOf(axisOf, surface.neighbours);
  const areas = new Float64Array(count);
  for (let t = 0; t < pieceOf.length; t += 1) {
    const piece = pieceOf[t] ?? 0;
    areas[piece] = (areas[piece] ?? 0) + (surface.faceAreas[t] ?? 0);
  }
  let changed = false;
  for (let piece = 0; piece < count; piece += 1) {
    if ((areas[piece] ?? 0) >= small) continue;
    const triangles = order.subarray(starts[piece], starts[piece + 1]);
    const own = axisOf[triangles[0] ?? 0] ?? 0;
    const axis = hostAxis(triangles, own, axisOf, mesh, surface);
    if (axis === own) continue;
    for (const t of triangles) axisOf[t] = axis;
    changed = true;
  }
  return changed;
}

/** The axis of the longest border of a piece, among those that all its triangles can be projected along. */
function hostAxis(
  triangles: Uint32Array,
  own: number,
  axisOf: Uint8Array,
  mesh: Mesh,
  surface: Surface,
): number {
  const border = new Float64Array(chartAxes.length);
  for (const t of triangles) {
    for (let k = 0; k < 3; k += 1) {
      const other = surface.neighbours[3 * t + k] ?? -1;
      const axis = other < 0 ? own : (axisOf[other] ?? 0);
      if (axis !== own) border[axis] = (border[axis] ?? 0) + edgeLength(mesh, t, k);
    }
  }
  let best = own;
  for (let axis = 0; axis < chartAxes.length; axis += 1) {
    if ((border[axis] ?? 0) <= (border[best] ?? 0)) continue;
    if (triangles.every((t) => facingOf(surface, t, axis) >= minFacingOfSmall)) best = axis;
  }
  return best;
}

function edgeLength({ positions, indices }: Mesh, triangle: number, k: number): number {
  const a = 3 * (indices[3 * triangle + k] ?? 0);
  const b = 3 * (indices[3 * triangle + ((k + 1) % 3)] ?? 0);
  return Math.hypot(
    (positions[a] ?? 0) - (positions[b] ?? 0),
    (positions[a + 1] ?? 0) - (positions[b + 1] ?? 0),
    (positions[a + 2] ?? 0) - (positions[b + 2] ?? 0),
  );
}
