/**
 * Solids as unions of coloured parts with signed distances: inside and outside are exact, so that what the
 * generator makes of their pictures can be measured. +Y up, facing +Z, any unit.
 */

export type Vec3 = readonly [number, number, number];
/** sRGB, 0 to 255. */
export type Colour = readonly [number, number, number];
export type Paint = Colour | ((x: number, y: number, z: number) => Colour);
/** Negative inside; never larger than the true distance outside. */
export type Distance = (x: number, y: number, z: number) => number;

export interface Part {
  distance: Distance;
  paint: Paint;
  min: Vec3;
  max: Vec3;
}

export interface Solid {
  name: string;
  parts: Part[];
}

/** Outside distances may shrink by this much where a part is not exact (ellipsoids): a safe step for ray marching. */
export const SAFE_STEP = 0.8;

/** `Math.hypot` is many times slower. */
function length2(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

function length3(x: number, y: number, z: number): number {
  return Math.sqrt(x * x + y * y + z * z);
}

export function ball([cx, cy, cz]: Vec3, r: number, paint: Paint): Part {
  return {
    distance: (x, y, z) => length3(x - cx, y - cy, z - cz) - r,
    paint,
    min: [cx - r, cy - r, cz - r],
    max: [cx + r, cy + r, cz + r],
  };
}

export function egg([cx, cy, cz]: Vec3, [rx, ry, rz]: Vec3, paint: Paint): Part {
  const least = Math.min(rx, ry, rz);
  return {
    distance: (x, y, z) => {
      const [px, py, pz] = [(x - cx) / rx, (y - cy) / ry, (z - cz) / rz];
      const k = length3(px, py, pz);
      const gradient = length3(px / rx, py / ry, pz / rz);
      return gradient === 0 ? -least : (k * (k - 1)) / gradient;
    },
    paint,
    min: [cx - rx, cy - ry, cz - rz],
    max: [cx + rx, cy + ry, cz + rz],
  };
}

/** A box with half sizes, its edges rounded by `round`. */
export function block([cx, cy, cz]: Vec3, [hx, hy, hz]: Vec3, paint: Paint, round = 0): Part {
  return {
    distance: (x, y, z) => {
      const qx = Math.abs(x - cx) - hx + round;
      const qy = Math.abs(y - cy) - hy + round;
      const qz = Math.abs(z - cz) - hz + round;
      const outside = length3(Math.max(qx, 0), Math.max(qy, 0), Math.max(qz, 0));
      return outside + Math.min(0, Math.max(qx, qy, qz)) - round;
    },
    paint,
    min: [cx - hx, cy - hy, cz - hz],
    max: [cx + hx, cy + hy, cz + hz],
  };
}

/** A round rod from `a` to `b` with a ball at each end; the radius goes from `ra` to `rb`. */
export function rod(a: Vec3, b: Vec3, ra: number, paint: Paint, rb = ra): Part {
  const [dx, dy, dz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const squared = dx * dx + dy * dy + dz * dz;
  // The cone's surface leans: without this factor its distance would be too large.
  const lean = Math.sqrt(Math.max(0, 1 - ((ra - rb) * (ra - rb)) / squared));
  return {
    distance: (x, y, z) => {
      const t = Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy + (z - a[2]) * dz) / squared));
      return (length3(x - a[0] - t * dx, y - a[1] - t * dy, z - a[2] - t * dz) - ra - t * (rb - ra)) * lean;
    },
    paint,
    min: [Math.min(a[0] - ra, b[0] - rb), Math.min(a[1] - ra, b[1] - rb), Math.min(a[2] - ra, b[2] - rb)],
    max: [Math.max(a[0] + ra, b[0] + rb), Math.max(a[1] + ra, b[1] + rb), Math.max(a[2] + ra, b[2] + rb)],
  };
}

/** A ring of radius `big` and thickness `small` about an axis through its centre. */
export function ring([cx, cy, cz]: Vec3, axis: Vec3, big: number, small: number, paint: Paint): Part {
  const length = length3(...axis);
  const [ax, ay, az] = [axis[0] / length, axis[1] / length, axis[2] / length];
  const reach = (a: number): number => big * Math.sqrt(Math.max(0, 1 - a * a)) + small;
  return {
    distance: (x, y, z) => {
      const along = (x - cx) * ax + (y - cy) * ay + (z - cz) * az;
      const out = length3(x - cx - along * ax, y - cy - along * ay, z - cz - along * az);
      return length2(out - big, along) - small;
    },
    paint,
    min: [cx - reach(ax), cy - reach(ay), cz - reach(az)],
    max: [cx + reach(ax), cy + reach(ay), cz + reach(az)],
  };
}

/** Signed distance to a polygon; exact. With `open`, the edge that closes it bounds it but is no surface. */
function polygon(
  points: readonly (readonly [number, number])[],
  open = false,
): (u: number, v: number) => number {
  const us = Float64Array.from(points, ([u]) => u);
  const vs = Float64Array.from(points, ([, v]) => v);
  return (u, v) => {
    let nearest = Infinity;
    let inside = false;
    for (let at = 0, before = us.length - 1; at < us.length; before = at, at += 1) {
      const [pu = 0, pv = 0] = [us[before], vs[before]];
      const [du, dv] = [(us[at] ?? 0) - pu, (vs[at] ?? 0) - pv];
      if (pv > v !== pv + dv > v && u < pu + (du * (v - pv)) / dv) inside = !inside;
      if (open && at === 0) continue;
      const t = Math.min(1, Math.max(0, ((u - pu) * du + (v - pv) * dv) / (du * du + dv * dv)));
      const [eu, ev] = [u - pu - t * du, v - pv - t * dv];
      nearest = Math.min(nearest, eu * eu + ev * ev);
    }
    return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
  };
}

type Axis = 'x' | 'y' | 'z';

/** A solid of revolution: `profile` lists (radius, height along the axis), from one end of the axis to the other. */
export function turned(
  profile: readonly (readonly [number, number])[],
  [cx, cy, cz]: Vec3,
  paint: Paint,
  axis: Axis = 'y',
): Part {
  const section = polygon(profile, true);
  const r = Math.max(...profile.map(([radius]) => radius));
  const heights = profile.map(([, height]) => height);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const box = (at: Axis, centre: number): [number, number] =>
    at === axis ? [centre + low, centre + high] : [centre - r, centre + r];
  const [x0, x1] = box('x', cx);
  const [y0, y1] = box('y', cy);
  const [z0, z1] = box('z', cz);
  return {
    distance: (x, y, z) => {
      const [px, py, pz] = [x - cx, y - cy, z - cz];
      if (axis === 'y') return section(length2(px, pz), py);
      return axis === 'x' ? section(length2(py, pz), px) : section(length2(px, py), pz);
    },
    paint,
    min: [x0, y0, z0],
    max: [x1, y1, z1],
  };
}

/** A polygon pushed out along an axis between two coordinates; points are (x, y), (z, y) for x and (x, z) for y. */
export function prism(
  points: readonly (readonly [number, number])[],
  from: number,
  to: number,
  paint: Paint,
  axis: Axis = 'z',
): Part {
  const section = polygon(points);
  const [us, vs] = [points.map(([u]) => u), points.map(([, v]) => v)];
  const [u0, u1, v0, v1] = [Math.min(...us), Math.max(...us), Math.min(...vs), Math.max(...vs)];
  const distance = (u: number, v: number, w: number): number => {
    const flat = section(u, v);
    const deep = Math.max(from - w, w - to);
    return length2(Math.max(flat, 0), Math.max(deep, 0)) + Math.min(0, Math.max(flat, deep));
  };
  if (axis === 'z') {
    return { distance, paint, min: [u0, v0, from], max: [u1, v1, to] };
  }
  return axis === 'x'
    ? { distance: (x, y, z) => distance(z, y, x), paint, min: [from, v0, u0], max: [to, v1, u1] }
    : { distance: (x, y, z) => distance(x, z, y), paint, min: [u0, from, v0], max: [u1, to, v1] };
}

export function isInside(solid: Solid, x: number, y: number, z: number): boolean {
  return solid.parts.some(
    ({ distance, min, max }) =>
      x >= min[0] &&
      x <= max[0] &&
      y >= min[1] &&
      y <= max[1] &&
      z >= min[2] &&
      z <= max[2] &&
      distance(x, y, z) <= 0,
  );
}

export function boundsOf(solid: Solid): { min: Vec3; max: Vec3 } {
  const over = (pick: (part: Part) => number, of: (...values: number[]) => number): number =>
    of(...solid.parts.map(pick));
  return {
    min: [over((p) => p.min[0], Math.min), over((p) => p.min[1], Math.min), over((p) => p.min[2], Math.min)],
    max: [over((p) => p.max[0], Math.max), over((p) => p.max[1], Math.max), over((p) => p.max[2], Math.max)],
  };
}
