import { grazing, surfacePoint, visibility } from './look.js';
import type { Source } from './source.js';
import type { Surface } from './surface.js';
import type { Mesh } from './types.js';

/** Centres of the four triangles a triangle splits into, barycentric: each stands for a quarter of its area. */
const probes = [
  [1 / 3, 1 / 3],
  [2 / 3, 1 / 6],
  [1 / 6, 2 / 3],
  [1 / 6, 1 / 6],
] as const;

/** Share of a surface that no source sees, 0 to 1: it is turned away, seen too flat, or behind something. */
export function unseenShare(
  { positions, indices }: Mesh,
  surface: Surface,
  sources: readonly Source[],
): number {
  const point = surfacePoint();
  let total = 0;
  let unseen = 0;
  for (let t = 0; t < surface.faceAreas.length; t += 1) {
    const area = surface.faceAreas[t] ?? 0;
    total += area;
    const cosineOf = ({ axis, sign }: Source): number => sign * (surface.faceNormals[3 * t + axis] ?? 0);
    const facing = sources.filter((source) => cosineOf(source) > grazing);
    for (const [l, m] of probes) {
      for (let k = 0; k < 3; k += 1) {
        const a = positions[3 * (indices[3 * t] ?? 0) + k] ?? 0;
        const b = positions[3 * (indices[3 * t + 1] ?? 0) + k] ?? 0;
        const c = positions[3 * (indices[3 * t + 2] ?? 0) + k] ?? 0;
        point.position[k] = a + l * (b - a) + m * (c - a);
      }
      const isSeen = facing.some((source) => visibility(source, point, cosineOf(source)) > 0);
      if (!isSeen) unseen += area / probes.length;
    }
  }
  return unseen / total;
}
