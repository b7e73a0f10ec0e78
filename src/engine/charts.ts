import type { CameraAxes, SignedAxis } from './camera.js';
import { cameraAxes } from './camera.js';
import { scanTriangle } from './scan.js';
import type { Surface } from './surface.js';
import type { Mesh } from './types.js';

/** The six ways a chart can be projected: along one axis of object space, seen from outside. */
export const chartAxes: readonly CameraAxes[] = [
  cameraAxes.front,
  cameraAxes.back,
  cameraAxes.left,
  cameraAxes.right,
  cameraAxes.top,
  { right: { axis: 0, sign: 1 }, up: { axis: 2, sign: 1 }, toCamera: { axis: 1, sign: -1 } },
];

/** A cut of the surface into pieces that lie flat: each triangle belongs to one chart. */
export interface Charts {
  count: number;
  /** Chart of each triangle. */
  chartOf: Int32Array;
  /** Index into `chartAxes` of each chart. */
  axisOf: Uint8Array;
}

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
  for (let round = 0; round < 3; round += 1) {
    if (!absorbSmall(axis, mesh, surface, texelsPerMetre)) break;
  }
  return unfold(axis, mesh, surface, texelsPerMetre);
}

/** The coordinate of a vector along a signed axis. */
function along({ axis, sign }: SignedAxis, vectors: Float32Array, at: number): number {
  return sign * (vectors[at + axis] ?? 0);
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
      const now = axisOf[t] ?? 0;
      let best = now;
      let bestScore = scoreOf(now);
      for (let k = 0; k < 3; k += 1) {
        const other = neighbours[3 * t + k] ?? -1;
        const axis = other < 0 ? now : (axisOf[other] ?? 0);
        if (axis === now || facingOf(surface, t, axis) < minFacing) continue;
        const score = scoreOf(axis);
        if (score > bestScore) {
          best = axis;
          bestScore = score;
        }
      }
      if (best !== now) {
        axisOf[t] = best;
        changed += 1;
      }

      function scoreOf(axis: number): number {
        let score = facingOf(surface, t, axis);
        for (let k = 0; k < 3; k += 1) {
          const other = neighbours[3 * t + k] ?? -1;
          if (other >= 0 && axisOf[other] === axis) score += togetherness;
        }
        return score;
      }
    }
    if (changed === 0) break;
  }
}

/** Connected triangles of equal axis: their order, and where each piece begins in it. */
interface Pieces {
  count: number;
  pieceOf: Int32Array;
  order: Uint32Array;
  starts: number[];
}

function piecesOf(axisOf: Uint8Array, neighbours: Int32Array): Pieces {
  const pieceOf = new Int32Array(axisOf.length).fill(-1);
  const order = new Uint32Array(axisOf.length);
  const starts: number[] = [];
  let end = 0;
  for (let seed = 0; seed < axisOf.length; seed += 1) {
    if (pieceOf[seed] !== -1) continue;
    const piece = starts.length;
    starts.push(end);
    pieceOf[seed] = piece;
    order[end++] = seed;
    for (let next = end - 1; next < end; next += 1) {
      const t = order[next] ?? 0;
      for (let k = 0; k < 3; k += 1) {
        const other = neighbours[3 * t + k] ?? -1;
        if (other < 0 || pieceOf[other] !== -1 || axisOf[other] !== axisOf[t]) continue;
        pieceOf[other] = piece;
        order[end++] = other;
      }
    }
  }
  const count = starts.length;
  starts.push(end);
  return { count, pieceOf, order, starts };
}

/** Lets pieces of few texels take the axis of the neighbour they share the longest border with. */
function absorbSmall(axisOf: Uint8Array, mesh: Mesh, surface: Surface, texelsPerMetre: number): boolean {
  const { faceAreas, neighbours } = surface;
  const { count, order, starts } = piecesOf(axisOf, neighbours);
  let total = 0;
  for (const area of faceAreas) total += area;
  const small = Math.max(64 / texelsPerMetre ** 2, total / 500);
  let changed = false;
  for (let piece = 0; piece < count; piece += 1) {
    const triangles = order.subarray(starts[piece], starts[piece + 1]);
    let area = 0;
    for (const t of triangles) area += faceAreas[t] ?? 0;
    if (area >= small) continue;

    const own = axisOf[triangles[0] ?? 0] ?? 0;
    const border = new Float64Array(chartAxes.length);
    const worst = new Float64Array(chartAxes.length).fill(1);
    for (const t of triangles) {
      for (let axis = 0; axis < chartAxes.length; axis += 1) {
        // A triangle without area fits everywhere.
        if ((faceAreas[t] ?? 0) > 0) worst[axis] = Math.min(worst[axis] ?? 1, facingOf(surface, t, axis));
      }
      for (let k = 0; k < 3; k += 1) {
        const other = neighbours[3 * t + k] ?? -1;
        const axis = other < 0 ? own : (axisOf[other] ?? 0);
        if (axis !== own) border[axis] = (border[axis] ?? 0) + edgeLength(mesh, t, k);
      }
    }
    let best = own;
    for (let axis = 0; axis < chartAxes.length; axis += 1) {
      if ((worst[axis] ?? 0) >= minFacingOfSmall && (border[axis] ?? 0) > (border[best] ?? 0)) best = axis;
    }
    if (best === own) continue;
    for (const t of triangles) axisOf[t] = best;
    changed = true;
  }
  return changed;
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

/**
 * Turns pieces into charts. Each is grown over its projection on a grid of texels; a triangle that would cover
 * texels that are taken waits for a chart of its own.
 */
function unfold(axisOfTriangle: Uint8Array, mesh: Mesh, surface: Surface, texelsPerMetre: number): Charts {
  const { positions, indices } = mesh;
  const { neighbours } = surface;
  const pieces = piecesOf(axisOfTriangle, neighbours);
  const chartOf = new Int32Array(axisOfTriangle.length).fill(-1);
  /** The chart that refused a triangle last. */
  const refusedBy = new Int32Array(axisOfTriangle.length).fill(-1);
  const queue = new Uint32Array(axisOfTriangle.length);
  const axisOf: number[] = [];
  let grid = new Uint8Array(0);

  for (let piece = 0; piece < pieces.count; piece += 1) {
    const triangles = pieces.order.subarray(pieces.starts[piece], pieces.starts[piece + 1]);
    const axis = axisOfTriangle[triangles[0] ?? 0] ?? 0;
    const axes = chartAxes[axis] ?? cameraAxes.front;
    const frame = frameOf(triangles, mesh, axes, texelsPerMetre);
    const { width, height } = frame;
    if (grid.length < width * height) grid = new Uint8Array(width * height);

    for (const seed of triangles) {
      if (chartOf[seed] !== -1) continue;
      const chart = axisOf.length;
      axisOf.push(axis);
      grid.fill(0, 0, width * height);
      let end = 0;
      queue[end++] = seed;
      chartOf[seed] = chart;
      lay(seed, true);
      for (let next = 0; next < end; next += 1) {
        const t = queue[next] ?? 0;
        for (let k = 0; k < 3; k += 1) {
          const other = neighbours[3 * t + k] ?? -1;
          if (other < 0 || chartOf[other] !== -1 || pieces.pieceOf[other] !== piece) continue;
          if (refusedBy[other] === chart) continue;
          if (!lay(other, false)) {
            refusedBy[other] = chart;
            continue;
          }
          lay(other, true);
          chartOf[other] = chart;
          queue[end++] = other;
        }
      }
    }

    /** Tests or takes the texels of a triangle. */
    function lay(t: number, take: boolean): boolean {
      const a = 3 * (indices[3 * t] ?? 0);
      const b = 3 * (indices[3 * t + 1] ?? 0);
      const c = 3 * (indices[3 * t + 2] ?? 0);
      return scanTriangle(
        frame.scale * along(axes.right, positions, a) - frame.left,
        -frame.scale * along(axes.up, positions, a) - frame.top,
        frame.scale * along(axes.right, positions, b) - frame.left,
        -frame.scale * along(axes.up, positions, b) - frame.top,
        frame.scale * along(axes.right, positions, c) - frame.left,
        -frame.scale * along(axes.up, positions, c) - frame.top,
        1e-3,
        width,
        height,
        take ? takeRow : isRowFree,
      );
    }

    function takeRow(y: number, from: number, to: number): boolean {
      grid.fill(1, y * width + from, y * width + to + 1);
      return true;
    }

    function isRowFree(y: number, from: number, to: number): boolean {
      for (let at = y * width + from; at <= y * width + to; at += 1) if (grid[at] !== 0) return false;
      return true;
    }
  }
  return { count: axisOf.length, chartOf, axisOf: Uint8Array.from(axisOf) };
}

/** A texel grid around the projection of some triangles; at most 2048 texels to a side. */
function frameOf(
  triangles: Uint32Array,
  { positions, indices }: Mesh,
  axes: CameraAxes,
  texelsPerMetre: number,
): { scale: number; left: number; top: number; width: number; height: number } {
  let minU = Infinity;
  let maxU = -Infinity;
  let minV = Infinity;
  let maxV = -Infinity;
  for (const t of triangles) {
    for (let k = 0; k < 3; k += 1) {
      const vertex = 3 * (indices[3 * t + k] ?? 0);
      const u = along(axes.right, positions, vertex);
      const v = -along(axes.up, positions, vertex);
      minU = Math.min(minU, u);
      maxU = Math.max(maxU, u);
      minV = Math.min(minV, v);
      maxV = Math.max(maxV, v);
    }
  }
  const scale = Math.min(texelsPerMetre, 2046 / Math.max(maxU - minU, maxV - minV, 1e-9));
  return {
    scale,
    left: scale * minU - 1,
    top: scale * minV - 1,
    width: Math.ceil(scale * (maxU - minU)) + 2,
    height: Math.ceil(scale * (maxV - minV)) + 2,
  };
}
