import { roundedHull } from './hull-field.js';
import type { Field } from './iso-surface.js';
import type { Planes, StudiedShot } from './outlines.js';
import { mergeOpposite, outlineOfShot, proportions, symmetric } from './outlines.js';
import { silhouetteOf } from './silhouette.js';
import { extrude, inflate, inflatedDepth, inscribedDiameter, lathe } from './single-field.js';
import type { GenerateInput, ShapeMode } from './types.js';

/** Which solid the silhouettes stand for, as a field. */
export interface Solid {
  mode: ShapeMode;
  /** Why, in one sentence. */
  reason: string;
  field: Field;
  /** The object's box in cells. */
  cells: { x: number; y: number; z: number };
  /** The surface has sharp edges that smoothing would take off. */
  sharp: boolean;
  /** How well opposite views agree, 0 to 1. */
  overlaps: { front?: number; side?: number };
}

export interface SolidOptions {
  shape: GenerateInput['shape'];
  depth?: number | undefined;
  /** Cells along the object's largest side. */
  grid: number;
}

export function solidOf(planes: Planes, options: SolidOptions): Solid {
  return planes.left || planes.right || planes.top ? fromSeveral(planes, options) : fromOne(planes, options);
}

/** Extrusion shows from this boxiness on. */
const BOX = 0.5;
const SYMMETRIC = 0.965;
const GAPS = 0.04;

/** What one silhouette is most likely to be: a box, a turned object, or something rounded. */
export function chooseMode({ measures }: StudiedShot): {
  mode: 'inflate' | 'lathe' | 'extrude';
  reason: string;
} {
  const { boxiness, symmetry, gaps } = measures;
  if (boxiness > BOX) {
    return {
      mode: 'extrude',
      reason: 'The outline is straight and the light flat, so the front was pushed out to a slab.',
    };
  }
  if (symmetry > SYMMETRIC && gaps < GAPS) {
    return {
      mode: 'lathe',
      reason: 'The outline is symmetric without gaps, so it was turned about its vertical axis.',
    };
  }
  return {
    mode: 'inflate',
    reason: 'The outline is neither box-like nor that of a turned object, so it was inflated.',
  };
}

function fromOne({ front, back }: Planes, { shape, depth, grid }: SolidOptions): Solid {
  const { mode, reason } =
    shape === 'auto' ? chooseMode(front) : { mode: shape, reason: `The shape was asked for: ${shape}.` };
  const { width, height } = proportions(front);
  const relative = width / height;
  const deepest = Math.max(1, relative, (depth ?? 0) * relative);
  const y = grid / deepest;
  const x = relative * y;
  const extent = { u: x, v: y };
  const { signed, overlap } = mergeOpposite(front, back, extent);
  const overlaps = overlap === undefined ? {} : { front: overlap };
  const wanted = depth === undefined ? undefined : Math.max(1, depth * x);
  const solid = (z: number, field: Field, sharp: boolean): Solid => ({
    mode,
    reason,
    field,
    cells: { x, y, z },
    sharp,
    overlaps,
  });
  if (mode === 'lathe') {
    const z = wanted ?? x;
    return solid(z, lathe(symmetric(signed, front, extent), extent, z), false);
  }
  if (mode === 'extrude') {
    const z = wanted ?? Math.min(x, inscribedDiameter(signed));
    return solid(z, extrude(signed, extent, z), true);
  }
  const silhouette = silhouetteOf(signed, extent);
  const z = wanted ?? inflatedDepth(silhouette);
  return solid(z, inflate(silhouette, z), false);
}

function fromSeveral({ front, back, left, right, top }: Planes, { shape, grid }: SolidOptions): Solid {
  const side = left ?? right;
  const { width, height } = proportions(front);
  const relativeWidth = width / height;
  const relativeDepth = depthOf(side, top, relativeWidth);
  const y = grid / Math.max(1, relativeWidth, relativeDepth);
  const cells = { x: relativeWidth * y, y, z: relativeDepth * y };

  const frontExtent = { u: cells.x, v: cells.y };
  const sideExtent = { u: cells.z, v: cells.y };
  const topExtent = { u: cells.x, v: cells.z };
  const frontMerged = mergeOpposite(front, back, frontExtent);
  const sideMerged = side && mergeOpposite(side, left && right, sideExtent);

  const boxiness = (...shots: (StudiedShot | undefined)[]): number => {
    if (shape !== 'auto') return shape === 'extrude' ? 1 : 0;
    const known = shots.filter((shot) => shot !== undefined);
    return known.reduce((sum, shot) => sum + shot.measures.boxiness, 0) / Math.max(1, known.length);
  };
  const pairs = {
    frontSide: boxiness(front, side),
    frontTop: boxiness(front, top),
    sideTop: boxiness(side, top),
  };
  const field = roundedHull({
    front: silhouetteOf(frontMerged.signed, frontExtent),
    side: sideMerged && silhouetteOf(sideMerged.signed, sideExtent),
    top: top && silhouetteOf(outlineOfShot(top, topExtent), topExtent),
    boxiness: pairs,
  });
  const used = [
    side ? pairs.frontSide : pairs.frontTop,
    ...(side && top ? [pairs.frontTop, pairs.sideTop] : []),
  ];
  const mean = used.reduce((sum, value) => sum + value, 0) / used.length;
  const names = ['front', side?.name, top?.name].filter((name) => name !== undefined);
  return {
    mode: 'hull',
    reason: `The silhouettes of ${listed(names)} were carved out and ${roundingOf(mean)}.`,
    field,
    cells,
    sharp: mean > BOX,
    overlaps: {
      ...(frontMerged.overlap === undefined ? {} : { front: frontMerged.overlap }),
      ...(sideMerged?.overlap === undefined ? {} : { side: sideMerged.overlap }),
    },
  };
}

/** Depth in front heights: from the side view, else from the top view, whose width is the front's. */
function depthOf(side: StudiedShot | undefined, top: StudiedShot | undefined, relativeWidth: number): number {
  if (side) {
    const { width, height } = proportions(side);
    return width / height;
  }
  if (!top) return relativeWidth;
  const { width, height } = proportions(top);
  return (height / width) * relativeWidth;
}

function roundingOf(boxiness: number): string {
  if (boxiness > 0.9) return 'left square, because the object looks like a box';
  return boxiness > 0.3 ? 'rounded a little' : 'rounded';
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
