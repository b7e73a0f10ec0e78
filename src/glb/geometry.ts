import type { Accessor, Primitive } from '@gltf-transform/core';

/** A primitive as the file has it, in the space of its mesh: triangles, and floats for every vertex in use. */
export interface Geometry {
  primitive: Primitive;
  /** Three per triangle, all within the vertices; strips and fans are unrolled. */
  indices: Indices;
  /** x, y, z per vertex. */
  positions: Float32Array;
  normals: Float32Array | undefined;
  /** u, v per vertex, by `TEXCOORD_` number. */
  uvs: (Float32Array | undefined)[];
  /** Linear r, g, b, a per vertex. */
  colors: Float32Array | undefined;
  /** Any other attribute for the same vertices, decoded. */
  read: (accessor: Accessor) => Float32Array;
}

export type Indices = Uint8Array | Uint16Array | Uint32Array;

/**
 * Reads the geometry of primitives. Exporters let primitives share one long list of vertices, and leave stray ones
 * behind; each primitive gets a list of its own with those that it uses, so that nothing costs more than its
 * triangles.
 */
export class GeometryReader {
  readonly #floats = new Map<Accessor, Float32Array>();
  readonly #seen = new Map<Accessor, Uint32Array>();
  #primitives = 0;

  read(primitive: Primitive, position: Accessor): Geometry {
    const vertices = position.getCount();
    const given = triangleIndices(primitive, vertices);
    const { indices, picked } = this.#compact(given, position);
    const read = (accessor: Accessor): Float32Array => {
      const all = this.#decoded(accessor);
      return picked ? pick(all, accessor.getElementSize(), picked) : all;
    };
    const attribute = (semantic: string, size: number): Float32Array | undefined => {
      const accessor = primitive.getAttribute(semantic);
      const fits = accessor && accessor.getElementSize() === size && accessor.getCount() >= vertices;
      return fits ? read(accessor) : undefined;
    };
    return {
      primitive,
      indices,
      positions: read(position),
      normals: attribute('NORMAL', 3),
      uvs: [0, 1, 2, 3].map((set) => attribute(`TEXCOORD_${set}`, 2)),
      colors: attribute('COLOR_0', 4) ?? withAlpha(attribute('COLOR_0', 3)),
      read,
    };
  }

  #decoded(accessor: Accessor): Float32Array {
    const found = this.#floats.get(accessor) ?? toFloats(accessor);
    this.#floats.set(accessor, found);
    return found;
  }

  /** Renumbers the vertices in use; `picked` has their old numbers and is absent when all are in use. */
  #compact(given: Indices, position: Accessor): { indices: Indices; picked?: Uint32Array } {
    const vertices = position.getCount();
    // For each vertex the last primitive that used it and where it put it, so that nothing has to be cleared.
    const seen = this.#seen.get(position) ?? new Uint32Array(2 * vertices);
    this.#seen.set(position, seen);
    const stamp = ++this.#primitives;
    let used = 0;
    for (let i = 0; i < given.length; i++) {
      const vertex = given[i] ?? 0;
      if (seen[2 * vertex] === stamp) continue;
      seen[2 * vertex] = stamp;
      seen[2 * vertex + 1] = used++;
    }
    if (used === vertices) return { indices: given };
    const picked = new Uint32Array(used);
    const indices = new Uint32Array(given.length);
    for (let i = 0; i < given.length; i++) {
      const vertex = given[i] ?? 0;
      const place = seen[2 * vertex + 1] ?? 0;
      picked[place] = vertex;
      indices[i] = place;
    }
    return { indices, picked };
  }
}

function pick(all: Float32Array, size: number, vertices: Uint32Array): Float32Array {
  const out = new Float32Array(size * vertices.length);
  for (let i = 0; i < vertices.length; i++) {
    const from = size * (vertices[i] ?? 0);
    for (let k = 0; k < size; k++) out[size * i + k] = all[from + k] ?? 0;
  }
  return out;
}

/**
 * The values of an accessor as floats, normalised integers decoded (glTF 2.0 specification, 3.11). The
 * accessor's own array when it holds floats already.
 */
export function toFloats(accessor: Accessor): Float32Array {
  const array = accessor.getArray();
  if (array === null) return new Float32Array(accessor.getCount() * accessor.getElementSize());
  if (array instanceof Float32Array) return array;
  const out = new Float32Array(array);
  const max = accessor.getNormalized() ? largest(array) : 1;
  if (max !== 1) for (let i = 0; i < out.length; i++) out[i] = Math.max((out[i] ?? 0) / max, -1);
  return out;
}

function largest(array: ArrayBufferView): number {
  if (array instanceof Uint8Array) return 255;
  if (array instanceof Int8Array) return 127;
  if (array instanceof Uint16Array) return 65535;
  return array instanceof Int16Array ? 32767 : 1;
}

function withAlpha(rgb: Float32Array | undefined): Float32Array | undefined {
  if (!rgb) return undefined;
  const out = new Float32Array((rgb.length / 3) * 4).fill(1);
  for (let i = 0; 3 * i < rgb.length; i++) out.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return out;
}

/** Triangles as drawn, an upper bound that is known before anything is read. */
export function triangleCount(primitive: Primitive, position: Accessor): number {
  const corners = (primitive.getIndices() ?? position).getCount();
  return primitive.getMode() === 4 ? Math.floor(corners / 3) : Math.max(0, corners - 2);
}

/** Strips and fans as triangles (glTF 2.0 specification, 3.7.2.1); triangles with wrong indices are left out. */
function triangleIndices(primitive: Primitive, vertices: number): Indices {
  const array = primitive.getIndices()?.getArray();
  const given =
    array instanceof Uint8Array || array instanceof Uint16Array || array instanceof Uint32Array
      ? array
      : Uint32Array.from({ length: vertices }, (_, i) => i);
  const mode = primitive.getMode();
  const list =
    mode === 4 ? given.subarray(0, given.length - (given.length % 3)) : unrolled(given, mode === 5);
  let valid = 0;
  while (valid < list.length && (list[valid] ?? 0) < vertices) valid++;
  return valid === list.length ? list : withoutInvalid(list, vertices);
}

function unrolled(given: Indices, strip: boolean): Uint32Array {
  const count = Math.max(0, given.length - 2);
  const out = new Uint32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const odd = strip && i % 2 === 1;
    out[3 * i] = strip ? (given[i] ?? 0) : (given[0] ?? 0);
    out[3 * i + 1] = given[i + (odd ? 2 : 1)] ?? 0;
    out[3 * i + 2] = given[i + (odd ? 1 : 2)] ?? 0;
  }
  return out;
}

function withoutInvalid(list: Indices, vertices: number): Uint32Array {
  const out = new Uint32Array(list.length);
  let length = 0;
  for (let i = 0; i + 2 < list.length; i += 3) {
    const corners = list.subarray(i, i + 3);
    if (corners.every((corner) => corner < vertices)) {
      out.set(corners, length);
      length += 3;
    }
  }
  return out.subarray(0, length);
}

/** A mirrored mesh shows its back sides unless its triangles are turned around. */
export function flipped(indices: Indices): Indices {
  const out = indices.slice();
  for (let i = 0; i + 2 < out.length; i += 3) {
    out[i] = indices[i + 1] ?? 0;
    out[i + 1] = indices[i] ?? 0;
  }
  return out;
}
