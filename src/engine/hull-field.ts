import type { Field } from './iso-surface.js';
import { ramp } from './measure.js';
import type { Silhouette } from './silhouette.js';
import { REACH } from './single-field.js';
import type { Axis, Plane, Shadow } from './slices.js';
import { equalSpans, linesOf, planeSteps, rootOf, rootTable, termsOf } from './slices.js';

/**
 * The rounded hull of two or three silhouettes from perpendicular directions.
 *
 * All that silhouettes prove is their visual hull (Laurentini 1994), which has box-like sections: a can becomes a
 * square prism. Here the hull is rounded off slice by slice. A slice is cut by two silhouettes in two spans; with
 * a = 1 - h / H in each (h the Poisson height, H its largest value in the slice, so that a goes from 0 to 1 at the
 * outline) the slice is where a^(p/2) + b^(p/2) < 1: an ellipse for p = 2, the hull's rectangle for large p. At H the
 * other silhouette's term alone decides, so that each silhouette is kept; and a part that is thin in one picture
 * gets a depth in proportion instead of the whole body's.
 *
 * Three silhouettes make three pairs, each with its own direction of slices: a wing is right in one of them, a fin in
 * another. The pair with the most round slices comes first; each further one fills the slices in which the solid so
 * far leaves its silhouettes empty. All stay within the hull.
 */
export interface HullInput {
  /** Plane (x, y). */
  front: Silhouette;
  /** Plane (z, y). */
  side?: Silhouette | undefined;
  /** Plane (x, z), z growing towards the front. */
  top?: Silhouette | undefined;
  /** 0 for rounded to 1 for box-like objects, of each pair of silhouettes. */
  boxiness: { frontSide: number; frontTop: number; sideTop: number };
}

/** Over this the hull is not rounded at all. */
export const SQUARE = 0.9;

/** The exponent p for a boxiness. */
function powerOf(boxiness: number): number {
  return 2 * 8 ** boxiness;
}

export function roundedHull(input: HullInput): Field {
  const { front, side, top } = input;
  const nz = side?.nu ?? top?.nv ?? 0;
  const { nu: nx, nv: ny } = front;
  const field: Field = { nx, ny, nz, values: new Float32Array(nx * ny * nz).fill(-REACH) };
  const [first, ...others] = pairsOf(input);
  if (first) addPair(field, first, () => 1);
  intersect(field, input);
  for (const pair of others) {
    const lacking = lackingSlices(field, pair);
    if (!lacking.some((share) => share > 0)) continue;
    addPair(field, pair, (slice) => lacking[slice] ?? 0);
    intersect(field, input);
  }
  return field;
}

/** Two silhouettes and the axis that both show. */
interface Pair {
  shared: Axis;
  boxiness: number;
  first: Shadow;
  second: Shadow;
  /** Per slice, how surely it is a round one, 0 to 1. */
  round: Float32Array;
}

/** A later pair has to be rounder than an earlier one by this share of its slices to go before it. */
const ROUNDER = 0.4;

function pairsOf({ front, side, top, boxiness }: HullInput): Pair[] {
  const pairOf = (
    a: Silhouette,
    planeA: Plane,
    b: Silhouette,
    planeB: Plane,
    shared: Axis,
    box: number,
  ): Pair => {
    const first = { silhouette: a, plane: planeA, lines: linesOf(a, planeA, shared) };
    const second = { silhouette: b, plane: planeB, lines: linesOf(b, planeB, shared) };
    return { shared, boxiness: box, first, second, round: equalSpans(first.lines, second.lines) };
  };
  const pairs: Pair[] = [];
  if (side) pairs.push(pairOf(front, 'xy', side, 'zy', 'y', boxiness.frontSide));
  if (top) pairs.push(pairOf(front, 'xy', top, 'xz', 'x', boxiness.frontTop));
  if (side && top) pairs.push(pairOf(side, 'zy', top, 'xz', 'z', boxiness.sideTop));
  const rank = new Map(pairs.map((pair, at) => [pair, meanRoundness(pair) - at * ROUNDER]));
  return pairs.toSorted((a, b) => (rank.get(b) ?? 0) - (rank.get(a) ?? 0));
}

function meanRoundness({ round, first }: Pair): number {
  let sum = 0;
  let count = 0;
  first.lines.spans.forEach(({ runs }, line) => {
    if (runs === 0) return;
    sum += round[line] ?? 0;
    count += 1;
  });
  return sum / Math.max(1, count);
}

/** Takes the union of the field with the solid of one pair, in the slices that `share` (0 to 1) lets in. */
function addPair(field: Field, pair: Pair, share: (slice: number) => number): void {
  const { nx, ny, nz, values } = field;
  const { shared, boxiness, first, second, round } = pair;
  const square = boxiness > SQUARE;
  const power = powerOf(boxiness);
  const a = termsOf(first, power, round);
  const b = termsOf(second, power, round);
  const aStep = planeSteps(first);
  const bStep = planeSteps(second);
  const roots = rootTable(power);
  // A slice that is not let in is sunk below the surface.
  const sunk = Float32Array.from(first.lines.spans, (_, slice) => 2 * REACH * (1 - share(slice)));
  const sliceStep = { x: shared === 'x' ? 1 : 0, y: shared === 'y' ? 1 : 0, z: shared === 'z' ? 1 : 0 };
  let out = 0;
  for (let k = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      let atA = j * aStep.y + k * aStep.z;
      let atB = j * bStep.y + k * bStep.z;
      let slice = j * sliceStep.y + k * sliceStep.z;
      for (let i = 0; i < nx; i += 1, out += 1, atA += aStep.x, atB += bStep.x, slice += sliceStep.x) {
        const sum = (a.term[atA] ?? 0) + (b.term[atB] ?? 0);
        const along = (a.along[atA] ?? 0) + (b.along[atB] ?? 0);
        const slope2 = (a.within2[atA] ?? 0) + (b.within2[atB] ?? 0) + along * along;
        const own = square ? REACH : Math.min(REACH, (1 - rootOf(roots, sum)) / Math.sqrt(slope2 + 1e-6));
        const f = own - (sunk[slice] ?? 0);
        if (f > (values[out] ?? 0)) values[out] = f;
      }
    }
  }
}

/** Slices whose silhouettes are filled less than this are lacking; between the two, partly. */
const LACKING = 0.7;
const FILLED = 0.9;
/** Slices over which a pair fades out. */
const EASE = 4;

/** Per slice of a pair, how much of its two spans the solid so far leaves empty: 1 for lacking, 0 for filled. */
function lackingSlices({ nx, ny, nz, values }: Field, { first, second }: Pair): Float32Array {
  const most = [first, second].map(({ silhouette }) =>
    new Float32Array(silhouette.signed.length).fill(-REACH),
  );
  const [mostA, mostB] = [most[0] ?? new Float32Array(0), most[1] ?? new Float32Array(0)];
  const aStep = planeSteps(first);
  const bStep = planeSteps(second);
  let out = 0;
  for (let k = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      let atA = j * aStep.y + k * aStep.z;
      let atB = j * bStep.y + k * bStep.z;
      for (let i = 0; i < nx; i += 1, out += 1, atA += aStep.x, atB += bStep.x) {
        const f = values[out] ?? 0;
        if (f > (mostA[atA] ?? 0)) mostA[atA] = f;
        if (f > (mostB[atB] ?? 0)) mostB[atB] = f;
      }
    }
  }
  const filledA = filledShares(first, mostA);
  const filledB = filledShares(second, mostB);
  const lacking = filledA.map(
    (share, slice) => 1 - ramp(Math.min(share, filledB[slice] ?? 1), LACKING, FILLED),
  );
  // Eased in over some slices: no step where a wing meets the body.
  return lacking.map((_, slice) => {
    let eased = 0;
    for (let k = -EASE; k <= EASE; k += 1) {
      eased = Math.max(eased, (lacking[slice + k] ?? 0) * (1 - Math.abs(k) / (EASE + 1)));
    }
    return eased;
  });
}

function filledShares({ silhouette, lines }: Shadow, most: Float32Array): Float32Array {
  return Float32Array.from(lines.spans, (_, line) => {
    let wanted = 0;
    let filled = 0;
    for (let k = 0; k < lines.length; k += 1) {
      const at = line * lines.next + k * lines.step;
      // The rim itself says nothing: the solid ends there too.
      if ((silhouette.signed[at] ?? 0) < 0.5) continue;
      wanted += 1;
      if ((most[at] ?? 0) > 0) filled += 1;
    }
    return wanted === 0 ? 1 : filled / wanted;
  });
}

/** Cuts the field down to the visual hull. */
function intersect({ nx, ny, nz, values }: Field, { front, side, top }: HullInput): void {
  let out = 0;
  for (let k = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      const sideValue = side ? (side.signed[j * side.nu + k] ?? 0) : REACH;
      for (let i = 0; i < nx; i += 1, out += 1) {
        let f = Math.min(values[out] ?? 0, sideValue, front.signed[j * nx + i] ?? 0);
        if (top) f = Math.min(f, top.signed[k * nx + i] ?? 0);
        values[out] = Math.max(-REACH, f);
      }
    }
  }
}
