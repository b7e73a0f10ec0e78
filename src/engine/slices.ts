import { ramp } from './measure.js';
import type { Silhouette } from './silhouette.js';

/** Silhouettes cut into lines, one per slice of the object: what the rounded hull is made of. */

export type Axis = 'x' | 'y' | 'z';
export type Plane = 'xy' | 'zy' | 'xz';

/** A silhouette, the plane that it lies on, and its lines. */
export interface Shadow {
  silhouette: Silhouette;
  plane: Plane;
  lines: Lines;
}

/** How far the position in a plane's array moves per node of the grid. */
export function planeSteps({ plane, silhouette: { nu } }: Shadow): Record<Axis, number> {
  if (plane === 'xy') return { x: 1, y: nu, z: 0 };
  return plane === 'zy' ? { x: 0, y: nu, z: 1 } : { x: 1, y: 0, z: nu };
}

/** A silhouette as lines, one per slice. */
export interface Lines {
  count: number;
  length: number;
  /** Steps in the plane's array along a line and to the next one. */
  step: number;
  next: number;
  spans: Span[];
}

/** Where a line is inside: the number of runs, and the ends of the first and the last. */
interface Span {
  runs: number;
  from: number;
  to: number;
}

export function linesOf({ nu, nv, signed }: Silhouette, plane: Plane, shared: Axis): Lines {
  const rows = plane[1] === shared;
  const shape = rows
    ? { count: nv, length: nu, step: 1, next: nu }
    : { count: nu, length: nv, step: nu, next: 1 };
  const spans = Array.from({ length: shape.count }, (_, line) => {
    const span: Span = { runs: 0, from: 0, to: 0 };
    for (let k = 1; k < shape.length; k += 1) {
      const before = signed[line * shape.next + (k - 1) * shape.step] ?? 0;
      const here = signed[line * shape.next + k * shape.step] ?? 0;
      if (before > 0 === here > 0) continue;
      const at = k - 1 + before / (before - here);
      if (here > 0) {
        if (span.runs === 0) span.from = at;
        span.runs += 1;
      } else {
        span.to = at;
      }
    }
    return span;
  });
  return { ...shape, spans };
}

/**
 * How far each slice is to be taken for a round one, 0 to 1: one run of equal width in both pictures. There the exact
 * parabola takes the place of the Poisson height, which is flatter near the ends of a long object.
 */
export function equalSpans(first: Lines, second: Lines): Float32Array {
  return Float32Array.from(first.spans, (a, line) => {
    const b = second.spans[line];
    if (!b || a.runs !== 1 || b.runs !== 1) return 0;
    const [wide, narrow] = [Math.max(a.to - a.from, b.to - b.from), Math.min(a.to - a.from, b.to - b.from)];
    return wide <= 0 ? 0 : ramp(narrow / wide, 0.8, 0.95);
  });
}

export interface Terms {
  /** a^(p/2). */
  term: Float32Array;
  /** Square of the slope of (a^(p/2)) / p within the slice, and its slope from slice to slice. */
  within2: Float32Array;
  along: Float32Array;
}

/** Far outside the outline. */
const MOST = 9;

export function termsOf(
  { silhouette: { height }, lines }: Shadow,
  power: number,
  round: Float32Array,
): Terms {
  const relative = new Float32Array(height.length);
  const empty = new Uint8Array(lines.count);
  for (let line = 0; line < lines.count; line += 1) {
    let top = 0;
    for (let k = 0; k < lines.length; k += 1)
      top = Math.max(top, height[line * lines.next + k * lines.step] ?? 0);
    if (top <= 0) empty[line] = 1;
    const { from, to } = lines.spans[line] ?? { from: 0, to: 0 };
    const middle = (from + to) / 2;
    const half = Math.max(0.25, (to - from) / 2);
    const share = round[line] ?? 0;
    for (let k = 0; k < lines.length; k += 1) {
      const at = line * lines.next + k * lines.step;
      const inflated = top <= 0 ? 0 : 1 - (height[at] ?? 0) / top;
      const exact = ((k - middle) / half) ** 2;
      relative[at] = Math.min(MOST, share * exact + (1 - share) * inflated);
    }
  }
  const term = relative.map((a) => Math.max(0, a) ** (power / 2));
  const within2 = new Float32Array(height.length);
  const along = new Float32Array(height.length);
  for (let line = 0; line < lines.count; line += 1) {
    // A slice without a run is left to the hull, which knows its distance from the outline.
    if (empty[line] === 1) continue;
    const toNext = line + 1 < lines.count && empty[line + 1] === 0 ? lines.next : 0;
    const toLast = line > 0 && empty[line - 1] === 0 ? lines.next : 0;
    const lineStep = (toNext + toLast) / lines.next;
    for (let k = 1; k < lines.length - 1; k += 1) {
      const at = line * lines.next + k * lines.step;
      // The chain rule keeps a steep power from being differenced: d(a^(p/2)) / p = a^(p/2 - 1) da / 2.
      const outer = Math.max(0, Math.min(1.5, relative[at] ?? 0)) ** (power / 2 - 1) / 2;
      const across = ((relative[at + lines.step] ?? 0) - (relative[at - lines.step] ?? 0)) / 2;
      within2[at] = (outer * across) ** 2;
      if (lineStep > 0)
        along[at] = (outer * ((relative[at + toNext] ?? 0) - (relative[at - toLast] ?? 0))) / lineStep;
    }
  }
  for (let line = 0; line < lines.count; line += 1) {
    if (empty[line] === 0) continue;
    for (let k = 0; k < lines.length; k += 1) term[line * lines.next + k * lines.step] = 0;
  }
  return { term, within2, along };
}

const ROOT_STEPS = 512;
const ROOT_RANGE = 8;

/** s^(1/p) for s from 0 to `ROOT_RANGE`: a power per voxel would be the slowest step of all. */
export function rootTable(power: number): Float32Array {
  return Float32Array.from(
    { length: ROOT_STEPS * ROOT_RANGE + 2 },
    (_, at) => (at / ROOT_STEPS) ** (1 / power),
  );
}

export function rootOf(roots: Float32Array, sum: number): number {
  const at = Math.min(sum, ROOT_RANGE) * ROOT_STEPS;
  const low = at | 0;
  const before = roots[low] ?? 0;
  return before + (at - low) * ((roots[low + 1] ?? 0) - before);
}
