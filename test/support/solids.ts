import type { Mesh } from '../../src/engine/types.js';

/** Meshes made in code, welded by index, counter-clockwise from outside. */

/** A grid of `columns` x `rows` points closed on itself in both directions where asked. */
function fromGrid(
  columns: number,
  rows: number,
  wrapRows: boolean,
  point: (column: number, row: number) => readonly [number, number, number],
): Mesh {
  const positions: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) positions.push(...point(column, row));
  }
  const indices: number[] = [];
  for (let row = 0; row < rows - (wrapRows ? 0 : 1); row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const a = row * columns + column;
      const b = row * columns + ((column + 1) % columns);
      const c = ((row + 1) % rows) * columns + ((column + 1) % columns);
      const d = ((row + 1) % rows) * columns + column;
      indices.push(a, b, c, a, c, d);
    }
  }
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) };
}

/** A surface of revolution about the y axis, from the bottom point to the top point of the profile (radius, y). */
export function turned(profile: readonly (readonly [number, number])[], columns: number): Mesh {
  const [bottom, ...rest] = profile;
  const top = rest.pop();
  if (!bottom || !top) throw new Error('a profile has at least two points');
  const body = fromGrid(columns, rest.length, false, (column, row) => {
    const angle = (-2 * Math.PI * column) / columns;
    const [radius, y] = rest[row] ?? [0, 0];
    return [radius * Math.sin(-angle), y, radius * Math.cos(angle)];
  });
  const last = body.positions.length / 3;
  const indices = [...body.indices];
  const ring = (rest.length - 1) * columns;
  for (let column = 0; column < columns; column += 1) {
    const next = (column + 1) % columns;
    indices.push(next, column, last, ring + column, ring + next, last + 1);
  }
  return {
    positions: Float32Array.from([...body.positions, 0, bottom[1], 0, 0, top[1], 0]),
    indices: Uint32Array.from(indices),
  };
}

/** A ball of the given radius that stands on the ground. */
export function ball(radius = 0.5, columns = 64, rows = 32): Mesh {
  return turned(
    Array.from({ length: rows + 1 }, (_, row) => {
      const angle = (Math.PI * row) / rows - Math.PI / 2;
      const end = row === 0 || row === rows;
      return [end ? 0 : radius * Math.cos(angle), radius + radius * Math.sin(angle)] as const;
    }),
    columns,
  );
}

/** A ring around the z axis that stands on the ground, as a swimming ring facing the front. */
export function torus(radius = 0.35, tube = 0.15, columns = 96, rows = 48): Mesh {
  return fromGrid(columns, rows, true, (column, row) => {
    const around = (2 * Math.PI * column) / columns;
    const across = (2 * Math.PI * row) / rows;
    const reach = radius + tube * Math.cos(across);
    return [reach * Math.cos(around), radius + tube + reach * Math.sin(around), tube * Math.sin(across)];
  });
}

/** An axis-aligned box with `steps` x `steps` squares to a side. */
export function box(
  [width, height, depth]: readonly [number, number, number],
  [x, y, z]: readonly [number, number, number] = [0, 0, 0],
  steps = 1,
): Mesh {
  const index = new Map<string, number>();
  const positions: number[] = [];
  const indices: number[] = [];
  const vertex = (i: number, j: number, k: number): number => {
    const key = `${i} ${j} ${k}`;
    const known = index.get(key);
    if (known !== undefined) return known;
    const made = positions.length / 3;
    index.set(key, made);
    positions.push(x + width * (i / steps - 0.5), y + (height * j) / steps, z + depth * (k / steps - 0.5));
    return made;
  };
  const square = (a: number, b: number, c: number, d: number): number => indices.push(a, b, c, a, c, d);
  for (let p = 0; p < steps; p += 1) {
    for (let q = 0; q < steps; q += 1) {
      const s = steps;
      square(vertex(p, q, s), vertex(p + 1, q, s), vertex(p + 1, q + 1, s), vertex(p, q + 1, s));
      square(vertex(p, q, 0), vertex(p, q + 1, 0), vertex(p + 1, q + 1, 0), vertex(p + 1, q, 0));
      square(vertex(s, p, q), vertex(s, p + 1, q), vertex(s, p + 1, q + 1), vertex(s, p, q + 1));
      square(vertex(0, p, q), vertex(0, p, q + 1), vertex(0, p + 1, q + 1), vertex(0, p + 1, q));
      square(vertex(p, s, q), vertex(p, s, q + 1), vertex(p + 1, s, q + 1), vertex(p + 1, s, q));
      square(vertex(p, 0, q), vertex(p + 1, 0, q), vertex(p + 1, 0, q + 1), vertex(p, 0, q + 1));
    }
  }
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) };
}

/** Several meshes as one. */
export function together(...meshes: Mesh[]): Mesh {
  const positions: number[] = [];
  const indices: number[] = [];
  for (const mesh of meshes) {
    const base = positions.length / 3;
    positions.push(...mesh.positions);
    indices.push(...[...mesh.indices].map((index) => index + base));
  }
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) };
}

/** A flat ribbon that climbs around the y axis: its upper side lies over itself when seen from the top. */
export function spiral(turns = 3, steps = 200): Mesh {
  const positions: number[] = [];
  const indices: number[] = [];
  for (let step = 0; step <= steps; step += 1) {
    const angle = (2 * Math.PI * turns * step) / steps;
    const y = (0.9 * step) / steps;
    for (const [radius, lift] of [
      [0.2, 0.06],
      [0.45, 0.06],
      [0.45, 0],
      [0.2, 0],
    ] as const) {
      positions.push(radius * Math.sin(angle), y + lift, radius * Math.cos(angle));
    }
  }
  for (let step = 0; step < steps; step += 1) {
    for (let side = 0; side < 4; side += 1) {
      const a = 4 * step + side;
      const b = 4 * step + ((side + 1) % 4);
      indices.push(a, b, b + 4, a, b + 4, a + 4);
    }
  }
  const end = 4 * steps;
  indices.push(0, 3, 2, 0, 2, 1, end, end + 1, end + 2, end, end + 2, end + 3);
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) };
}

/** The same mesh with every vertex pushed about by up to `amount` metres, always in the same way. */
export function crumpled(mesh: Mesh, amount: number): Mesh {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return { ...mesh, positions: mesh.positions.map((value) => value + amount * (2 * random() - 1)) };
}
