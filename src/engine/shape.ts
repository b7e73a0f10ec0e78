import { MeshwrightError } from '../errors.js';
import { isoSurface } from './iso-surface.js';
import type { Shot, StudiedShot } from './outlines.js';
import { planesOf, proportions } from './outlines.js';
import { PAD } from './silhouette.js';
import { simplify } from './simplify.js';
import { smooth, triangulate } from './smooth.js';
import type { Solid } from './solid.js';
import { solidOf } from './solid.js';
import type { GenerateInput, Mesh, Report, ShapeMode, View, ViewName } from './types.js';

/** The shape half of the generator: pictures with silhouettes in, a closed mesh and placed views out. */

export interface ShapeOptions {
  shape: GenerateInput['shape'];
  /** Depth divided by the width of the front view; only used when no picture shows the depth. */
  depth?: number | undefined;
  targetTriangles: number;
  /** Cells along the object's largest side. */
  grid?: number;
}

export interface Shape {
  /** Metres, +Y up, facing +Z, origin at the bottom centre, largest side 1 m. */
  mesh: Mesh;
  views: View[];
  mode: ShapeMode;
  /** Why this mode, in one sentence. */
  reason: string;
  watertight: boolean;
  /** Separate pieces. */
  parts: number;
  /** It has more triangles than were asked for, because fewer would ruin it. */
  isLimited: boolean;
  /** Metres per cell: what is thinner than two of them may be lost. */
  cell: number;
  /** Overlap of the silhouettes of opposite views, 0 to 1. */
  overlaps: Solid['overlaps'];
}

const GRID = 160;
const SMOOTHING = 3;
const SMOOTHING_SHARP = 1;

/**
 * @throws MeshwrightError `generation_failed` when nothing of the object is left on the grid
 */
export async function buildShape(
  shots: readonly Shot[],
  options: ShapeOptions,
  report: Report,
): Promise<Shape> {
  const { shape, depth, targetTriangles, grid = GRID } = options;
  report({ fraction: 0, stage: 'reading the silhouettes' });
  const planes = planesOf(shots);
  const solid = solidOf(planes, { shape, depth, grid });

  report({ fraction: 0.4, stage: 'building the surface' });
  const quads = isoSurface(solid.field);
  if (quads.quads.length === 0) {
    throw new MeshwrightError(
      'generation_failed',
      'Nothing of the object is thick enough to become a solid. Send a picture in which it fills more of the frame, or without its thin parts.',
      { field: 'image_url' },
    );
  }
  smooth(quads, solid.sharp ? SMOOTHING_SHARP : SMOOTHING);

  report({ fraction: 0.7, stage: 'simplifying the mesh' });
  const { mesh, watertight, parts, isLimited } = await simplify(triangulate(quads), targetTriangles);
  const { scale, origin } = standUp(mesh);
  const views = Object.values(planes)
    .filter((shot) => shot !== undefined)
    .map((shot) => place(shot, solid.cells, scale, origin));
  const { mode, reason, overlaps } = solid;
  return { mesh, views, mode, reason, watertight, parts, isLimited, cell: scale, overlaps };
}

type Point = readonly [number, number, number];

/** Moves the mesh from grid nodes to its place, in place. */
function standUp({ positions }: Mesh): { scale: number; origin: Point } {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let at = 0; at < positions.length; at += 1) {
    const c = at % 3;
    low[c] = Math.min(low[c] ?? 0, positions[at] ?? 0);
    high[c] = Math.max(high[c] ?? 0, positions[at] ?? 0);
  }
  const [x0 = 0, y0 = 0, z0 = 0] = low;
  const [x1 = 0, y1 = 0, z1 = 0] = high;
  const scale = 1 / Math.max(x1 - x0, y1 - y0, z1 - z0);
  const origin = [(x0 + x1) / 2, y0, (z0 + z1) / 2] as const;
  for (let at = 0; at < positions.length; at += 1) {
    positions[at] = ((positions[at] ?? 0) - (origin[at % 3] ?? 0)) * scale;
  }
  return { scale, origin };
}

/** Where the picture's box lies: its edges are those of the object's box in the grid. */
function place(shot: StudiedShot, cells: Solid['cells'], scale: number, [x0, y0, z0]: Point): View {
  const { name, pixels, mask, box } = shot;
  const { width, height } = proportions(shot);
  const across = name === 'left' || name === 'right' ? cells.z : cells.x;
  const up = name === 'top' ? cells.z : cells.y;
  const [perPixelX, perPixelY] = [across / width, up / height];
  // The middle of the object's box, and its foot, against the mesh's own.
  const dx = PAD + cells.x / 2 - x0;
  const dy = PAD - y0;
  const dz = PAD + cells.z / 2 - z0;
  const right: Record<ViewName, number> = { front: dx, left: dz, back: -dx, right: -dz, top: dx };
  return {
    name,
    pixels,
    mask,
    box,
    metresPerPixelX: perPixelX * scale,
    metresPerPixelY: perPixelY * scale,
    centreX: (box.x0 + box.x1) / 2 - right[name] / perPixelX,
    baseY: name === 'top' ? (box.y0 + box.y1) / 2 - dz / perPixelY : box.y1 + dy / perPixelY,
  };
}
