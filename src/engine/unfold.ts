import type { CameraAxes } from './camera.js';
import { cameraAxes } from './camera.js';
import { along, chartAxes } from './chart-axes.js';
import { piecesOf } from './pieces.js';
import { scanTriangle } from './scan.js';
import type { Surface } from './surface.js';
import type { Mesh } from './types.js';

/** A cut of the surface into pieces that lie flat: each triangle belongs to one chart. */
export interface Charts {
  count: number;
  /** Chart of each triangle. */
  chartOf: Int32Array;
  /** Index into `chartAxes` of each chart. */
  axisOf: Uint8Array;
}

/** Cells per texel of the grid that overlaps are looked for on: half as fine finds all that would be seen. */
const cellsPerTexel = 0.5;

/**
 * Turns pieces into charts. Each is grown over its projection on a grid; a triangle that would cover cells that
 * are taken waits for a chart of its own.
 */
export function unfold(
  axisOfTriangle: Uint8Array,
  mesh: Mesh,
  surface: Surface,
  texelsPerMetre: number,
): Charts {
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
    const frame = frameOf(triangles, mesh, axes, texelsPerMetre * cellsPerTexel);
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

    /** Tests or takes the cells of a triangle. */
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

/** A grid around the projection of some triangles; at most 2048 cells to a side. */
function frameOf(
  triangles: Uint32Array,
  { positions, indices }: Mesh,
  axes: CameraAxes,
  cellsPerMetre: number,
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
  const scale = Math.min(cellsPerMetre, 2046 / Math.max(maxU - minU, maxV - minV, 1e-9));
  return {
    scale,
    left: scale * minU - 1,
    top: scale * minV - 1,
    width: Math.ceil(scale * (maxU - minU)) + 2,
    height: Math.ceil(scale * (maxV - minV)) + 2,
  };
}
