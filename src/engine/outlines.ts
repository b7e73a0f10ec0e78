import { boxOf } from './mask.js';
import type { Measures } from './measure.js';
import { measure } from './measure.js';
import type { Extent, Fit } from './silhouette.js';
import { outlineOf } from './silhouette.js';
import type { Mask, PixelBox, Pixels, ViewName } from './types.js';

/** A picture with its silhouette, as it comes in. */
export interface Shot {
  name: ViewName;
  pixels: Pixels;
  mask: Mask;
}

/** The same, looked at. */
export interface StudiedShot extends Shot {
  box: PixelBox;
  measures: Measures;
}

export function study(shot: Shot): StudiedShot {
  const box = boxOf(shot.mask);
  return { ...shot, box, measures: measure(shot.pixels, shot.mask, box) };
}

/** The pictures by the plane of the object that they show. */
export interface Planes {
  front: StudiedShot;
  back: StudiedShot | undefined;
  left: StudiedShot | undefined;
  right: StudiedShot | undefined;
  top: StudiedShot | undefined;
}

export function planesOf(shots: readonly Shot[]): Planes {
  const of = (name: ViewName): StudiedShot | undefined => {
    const shot = shots.find((candidate) => candidate.name === name);
    return shot && study(shot);
  };
  const front = of('front');
  if (!front) throw new Error('a front view is needed');
  return { front, back: of('back'), left: of('left'), right: of('right'), top: of('top') };
}

/** Width and height of the box around the object in a picture. */
export function proportions({ box }: StudiedShot): { width: number; height: number } {
  return { width: box.x1 - box.x0, height: box.y1 - box.y0 };
}

/** How each view's picture lies on its plane: (x, y) for front and back, (z, y) for left and right, (x, z) for top. */
const fits: Readonly<Record<ViewName, Fit>> = {
  front: { flipU: false, flipV: true },
  back: { flipU: true, flipV: true },
  left: { flipU: false, flipV: true },
  right: { flipU: true, flipV: true },
  top: { flipU: false, flipV: false },
};

export function outlineOfShot({ name, mask, box }: StudiedShot, extent: Extent): Float32Array {
  return outlineOf(mask, box, extent, fits[name]);
}

/** Opposite views that overlap less than this are not two sides of one silhouette. */
const SAME = 0.85;

export interface Merged {
  signed: Float32Array;
  /** Overlap of the two silhouettes, when there are two. */
  overlap?: number;
}

/**
 * One outline from a view and the one opposite, which orthographic cameras see mirrored. They are averaged when they
 * agree; else the first one counts, because an intersection would eat thin parts.
 */
export function mergeOpposite(first: StudiedShot, opposite: StudiedShot | undefined, extent: Extent): Merged {
  const signed = outlineOfShot(first, extent);
  if (!opposite) return { signed };
  const other = outlineOfShot(opposite, extent);
  const overlap = overlapOf(signed, other);
  return { signed: overlap > SAME ? meanOf(signed, other) : signed, overlap };
}

/** The outline and its mirror image averaged. */
export function symmetric(signed: Float32Array, shot: StudiedShot, extent: Extent): Float32Array {
  const { flipU, flipV } = fits[shot.name];
  return meanOf(signed, outlineOf(shot.mask, shot.box, extent, { flipU: !flipU, flipV }));
}

function meanOf(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, at) => (value + (b[at] ?? 0)) / 2);
}

function overlapOf(a: Float32Array, b: Float32Array): number {
  let both = 0;
  let either = 0;
  for (let at = 0; at < a.length; at += 1) {
    const inA = (a[at] ?? 0) > 0;
    const inB = (b[at] ?? 0) > 0;
    if (inA && inB) both += 1;
    if (inA || inB) either += 1;
  }
  return either === 0 ? 0 : both / either;
}
