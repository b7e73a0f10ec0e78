/** What holds a triangle mesh together. Vertices count as one when they have one index. */

export interface Topology {
  /** Every edge belongs to exactly two triangles that run along it in opposite directions. */
  watertight: boolean;
  /** Vertices of the edges and fans that break this, or where several surfaces meet in one vertex. */
  bad: number[];
  /** Separate pieces. */
  parts: number;
  /** The piece that each vertex belongs to, as one of its vertices; a vertex without triangles is one of its own. */
  partOf: Uint32Array;
}

export function topologyOf(indices: Uint32Array, vertices: number): Topology {
  const { start, half } = halfEdges(indices, vertices);
  const bad = new Set<number>();
  let watertight = true;
  for (let a = 0; a < vertices; a += 1) {
    for (let k = start[a] ?? 0; k < (start[a + 1] ?? 0); k += 1) {
      const b = half[2 * k] ?? 0;
      if (countTo(start, half, a, b) === 1 && countTo(start, half, b, a) === 1) continue;
      watertight = false;
      bad.add(a).add(b);
    }
    if (!isOneFan(start, half, a)) bad.add(a);
  }
  return { watertight, bad: [...bad], ...partsOf(indices, vertices) };
}

/**
 * The corners of each vertex: entries `start[a]` to `start[a + 1]` of `half` hold, for every triangle (a, b, c), the
 * vertex b that the triangle goes to from a, and the vertex c that it comes from.
 */
function halfEdges(indices: Uint32Array, vertices: number): { start: Uint32Array; half: Uint32Array } {
  const start = new Uint32Array(vertices + 2);
  for (const vertex of indices) start[vertex + 2] = (start[vertex + 2] ?? 0) + 1;
  for (let a = 2; a < start.length; a += 1) start[a] = (start[a] ?? 0) + (start[a - 1] ?? 0);
  const half = new Uint32Array(indices.length * 2);
  for (let t = 0; t < indices.length; t += 3) {
    for (let corner = 0; corner < 3; corner += 1) {
      const a = indices[t + corner] ?? 0;
      const at = start[a + 1] ?? 0;
      half[2 * at] = indices[t + ((corner + 1) % 3)] ?? 0;
      half[2 * at + 1] = indices[t + ((corner + 2) % 3)] ?? 0;
      start[a + 1] = at + 1;
    }
  }
  return { start, half };
}

function countTo(start: Uint32Array, half: Uint32Array, from: number, to: number): number {
  let count = 0;
  for (let k = start[from] ?? 0; k < (start[from + 1] ?? 0); k += 1) if (half[2 * k] === to) count += 1;
  return count;
}

/** Whether the triangles around a vertex form one ring. */
function isOneFan(start: Uint32Array, half: Uint32Array, vertex: number): boolean {
  const first = start[vertex] ?? 0;
  const end = start[vertex + 1] ?? 0;
  if (first === end) return true;
  let at = first;
  for (let turned = 1; turned <= end - first; turned += 1) {
    const from = half[2 * at + 1];
    let next = first;
    while (next < end && half[2 * next] !== from) next += 1;
    if (next === end) return false;
    if (next === first) return turned === end - first && turned > 2;
    at = next;
  }
  return false;
}

function partsOf(indices: Uint32Array, vertices: number): Pick<Topology, 'parts' | 'partOf'> {
  const partOf = Uint32Array.from({ length: vertices }, (_, at) => at);
  const find = (from: number): number => {
    let at = from;
    while (partOf[at] !== at) {
      partOf[at] = partOf[partOf[at] ?? 0] ?? 0;
      at = partOf[at] ?? 0;
    }
    return at;
  };
  const used = new Uint8Array(vertices);
  for (let t = 0; t < indices.length; t += 3) {
    const a = indices[t] ?? 0;
    const top = find(a);
    partOf[find(indices[t + 1] ?? 0)] = top;
    partOf[find(indices[t + 2] ?? 0)] = top;
    used[a] = used[indices[t + 1] ?? 0] = used[indices[t + 2] ?? 0] = 1;
  }
  let parts = 0;
  for (let at = 0; at < vertices; at += 1) {
    partOf[at] = find(at);
    if (used[at] === 1 && partOf[at] === at) parts += 1;
  }
  return { parts, partOf };
}
