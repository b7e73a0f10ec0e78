import type { CameraAxes } from './camera.js';
import { cameraAxes } from './camera.js';
import { along, chartAxes } from './chart-axes.js';
import type { Outline } from './pack.js';
import { packCharts } from './pack.js';
import type { Surface } from './surface.js';
import type { Mesh } from './types.js';
import type { Charts } from './unfold.js';

/** A mesh with one texture coordinate per vertex: vertices on seams are there once for each chart. */
export interface Unwrapped {
  positions: Float32Array;
  normals: Float32Array;
  /** u, v of each vertex in texels from the top left corner of the atlas. */
  texels: Float32Array;
  /** Grouped by chart. */
  indices: Uint32Array;
  /** Vertex of the source mesh. */
  sourceVertex: Uint32Array;
  /** Triangle of the source mesh. */
  sourceTriangle: Uint32Array;
  /** Chart of each triangle. */
  chartOf: Uint32Array;
  chartCount: number;
}

/**
 * Packs the charts and splits the vertices on their borders.
 *
 * @param size Side of the atlas, texels.
 * @returns `undefined` when the charts do not fit.
 */
export function unwrap(mesh: Mesh, surface: Surface, charts: Charts, size: number): Unwrapped | undefined {
  const { order, starts } = groupByChart(charts);
  const outlines = Array.from({ length: charts.count }, (_, chart) =>
    outlineOf(order.subarray(starts[chart], starts[chart + 1]), chart, mesh, surface, charts),
  );
  const packing = packCharts(outlines, size);
  if (!packing) return undefined;

  const { indices } = mesh;
  const vertexCount = mesh.positions.length / 3;
  const made: number[] = [];
  const texels: number[] = [];
  const newIndices = new Uint32Array(indices.length);
  const chartOf = new Uint32Array(order.length);
  const seenIn = new Int32Array(vertexCount).fill(-1);
  const madeAs = new Uint32Array(vertexCount);
  for (let at = 0; at < order.length; at += 1) {
    const t = order[at] ?? 0;
    const chart = charts.chartOf[t] ?? 0;
    chartOf[at] = chart;
    for (let k = 0; k < 3; k += 1) {
      const vertex = indices[3 * t + k] ?? 0;
      if (seenIn[vertex] !== chart) {
        seenIn[vertex] = chart;
        madeAs[vertex] = made.length;
        made.push(vertex);
        const axes = axesOf(charts, chart);
        const left = (packing.left[chart] ?? 0) + packing.gutter;
        const top = (packing.top[chart] ?? 0) + packing.gutter;
        texels.push(
          left + packing.scale * (planeU(axes, mesh.positions, vertex) - (outlines[chart]?.minU ?? 0)),
          top + packing.scale * (planeV(axes, mesh.positions, vertex) - (outlines[chart]?.minV ?? 0)),
        );
      }
      newIndices[3 * at + k] = madeAs[vertex] ?? 0;
    }
  }
  return {
    positions: gather(mesh.positions, made),
    normals: gather(surface.vertexNormals, made),
    texels: Float32Array.from(texels),
    indices: newIndices,
    sourceVertex: Uint32Array.from(made),
    sourceTriangle: order,
    chartOf,
    chartCount: charts.count,
  };
}

function gather(vectors: Float32Array, vertices: readonly number[]): Float32Array {
  const result = new Float32Array(vertices.length * 3);
  vertices.forEach((vertex, at) => result.set(vectors.subarray(3 * vertex, 3 * vertex + 3), 3 * at));
  return result;
}

function axesOf(charts: Charts, chart: number): CameraAxes {
  return chartAxes[charts.axisOf[chart] ?? 0] ?? cameraAxes.front;
}

function planeU({ right }: CameraAxes, positions: Float32Array, vertex: number): number {
  return along(right, positions, 3 * vertex);
}

function planeV({ up }: CameraAxes, positions: Float32Array, vertex: number): number {
  return -along(up, positions, 3 * vertex);
}

/** Triangles in the order of their charts, and where each chart begins. */
function groupByChart({ count, chartOf }: Charts): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(count + 1);
  for (const chart of chartOf) starts[chart + 1] = (starts[chart + 1] ?? 0) + 1;
  for (let chart = 0; chart < count; chart += 1)
    starts[chart + 1] = (starts[chart + 1] ?? 0) + (starts[chart] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(chartOf.length);
  for (let t = 0; t < chartOf.length; t += 1) {
    const chart = chartOf[t] ?? 0;
    const at = next[chart] ?? 0;
    order[at] = t;
    next[chart] = at + 1;
  }
  return { order, starts };
}

function outlineOf(
  triangles: Uint32Array,
  chart: number,
  { positions, indices }: Mesh,
  { neighbours }: Surface,
  charts: Charts,
): Outline {
  const axes = axesOf(charts, chart);
  const edges: number[] = [];
  let minU = Infinity;
  let maxU = -Infinity;
  let minV = Infinity;
  let maxV = -Infinity;
  for (const t of triangles) {
    for (let k = 0; k < 3; k += 1) {
      const a = indices[3 * t + k] ?? 0;
      const u = planeU(axes, positions, a);
      const v = planeV(axes, positions, a);
      minU = Math.min(minU, u);
      maxU = Math.max(maxU, u);
      minV = Math.min(minV, v);
      maxV = Math.max(maxV, v);
      const other = neighbours[3 * t + k] ?? -1;
      if (other >= 0 && charts.chartOf[other] === chart) continue;
      const b = indices[3 * t + ((k + 1) % 3)] ?? 0;
      edges.push(u, v, planeU(axes, positions, b), planeV(axes, positions, b));
    }
  }
  return { minU, minV, width: maxU - minU, height: maxV - minV, edges: Float32Array.from(edges) };
}
