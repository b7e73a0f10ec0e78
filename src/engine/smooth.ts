import type { QuadMesh } from './iso-surface.js';
import type { Mesh } from './types.js';

const SHRINK = 0.5;
/** Slightly more than it shrank: the volume stays (Taubin 1995). */
const GROW = -0.53;

/** Taubin's smoothing, in place: takes the grid's steps out of the surface without shrinking it. */
export function smooth({ positions, quads }: QuadMesh, rounds: number): void {
  const vertices = positions.length / 3;
  const degree = new Uint8Array(vertices);
  for (let at = 0; at < quads.length; at += 1) {
    const vertex = quads[at] ?? 0;
    degree[vertex] = (degree[vertex] ?? 0) + 1;
  }
  const mean = new Float32Array(positions.length);
  for (let round = 0; round < 2 * rounds; round += 1) {
    const step = round % 2 === 0 ? SHRINK : GROW;
    mean.fill(0);
    // Each edge borders two quads, so going once around each quad meets every edge from both its ends.
    for (let q = 0; q < quads.length; q += 4) {
      for (let k = 0; k < 4; k += 1) {
        const a = 3 * (quads[q + k] ?? 0);
        const b = 3 * (quads[q + ((k + 1) & 3)] ?? 0);
        mean[a] = (mean[a] ?? 0) + (positions[b] ?? 0);
        mean[a + 1] = (mean[a + 1] ?? 0) + (positions[b + 1] ?? 0);
        mean[a + 2] = (mean[a + 2] ?? 0) + (positions[b + 2] ?? 0);
      }
    }
    for (let vertex = 0; vertex < vertices; vertex += 1) {
      const n = degree[vertex] ?? 1;
      for (let c = 3 * vertex; c < 3 * vertex + 3; c += 1) {
        const old = positions[c] ?? 0;
        positions[c] = old + step * ((mean[c] ?? 0) / n - old);
      }
    }
  }
}

/** Cuts each quad along its shorter diagonal. */
export function triangulate({ positions, quads }: QuadMesh): Mesh {
  const indices = new Uint32Array((quads.length / 4) * 6);
  const distance2 = (a: number, b: number): number => {
    const dx = (positions[3 * a] ?? 0) - (positions[3 * b] ?? 0);
    const dy = (positions[3 * a + 1] ?? 0) - (positions[3 * b + 1] ?? 0);
    const dz = (positions[3 * a + 2] ?? 0) - (positions[3 * b + 2] ?? 0);
    return dx * dx + dy * dy + dz * dz;
  };
  for (let q = 0, out = 0; q < quads.length; q += 4, out += 6) {
    const a = quads[q] ?? 0;
    const b = quads[q + 1] ?? 0;
    const c = quads[q + 2] ?? 0;
    const d = quads[q + 3] ?? 0;
    if (distance2(a, c) <= distance2(b, d)) indices.set([a, b, c, a, c, d], out);
    else indices.set([a, b, d, b, c, d], out);
  }
  return { positions, indices };
}
