import type { Mesh } from './types.js';

/** Sweeps over the unknown vertices; enough for smooth colours across the back of a 20k triangle mesh. */
const sweeps = 60;

/**
 * Fills unknown vertex colours by diffusion over the mesh: known vertices are held, every other one comes to the
 * mean of its neighbours. Parts without any known vertex stay as they are.
 *
 * @param colours Red, green, blue of each vertex, 0 to 255; filled in place.
 * @param known 1 where a vertex keeps its colour.
 */
export function diffuseColours(mesh: Mesh, colours: Float32Array, known: Uint8Array): void {
  const { starts, neighbours } = vertexNeighbours(mesh);
  const order = fromKnown(starts, neighbours, known);
  const reached = known.slice();
  // First guess, outwards from what is known: the mean of the neighbours that were reached before.
  for (const vertex of order) {
    relax(vertex, reached);
    reached[vertex] = 1;
  }
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    // There and back, so that colours travel the same way in both directions.
    if (sweep % 2 === 0) for (let at = order.length - 1; at >= 0; at -= 1) relax(order[at] ?? 0, reached);
    else for (const vertex of order) relax(vertex, reached);
  }

  function relax(vertex: number, usable: Uint8Array): void {
    let red = 0;
    let green = 0;
    let blue = 0;
    let count = 0;
    for (let at = starts[vertex] ?? 0; at < (starts[vertex + 1] ?? 0); at += 1) {
      const other = neighbours[at] ?? 0;
      if (usable[other] === 0) continue;
      red += colours[3 * other] ?? 0;
      green += colours[3 * other + 1] ?? 0;
      blue += colours[3 * other + 2] ?? 0;
      count += 1;
    }
    if (count === 0) return;
    colours[3 * vertex] = red / count;
    colours[3 * vertex + 1] = green / count;
    colours[3 * vertex + 2] = blue / count;
  }
}

/** Unknown vertices that are connected to a known one, nearest (in edges) first. */
function fromKnown(starts: Uint32Array, neighbours: Uint32Array, known: Uint8Array): Uint32Array {
  const reached = known.slice();
  const queue = new Uint32Array(known.length);
  let end = 0;
  for (let vertex = 0; vertex < known.length; vertex += 1) if (known[vertex] !== 0) queue[end++] = vertex;
  const knownCount = end;
  for (let next = 0; next < end; next += 1) {
    const vertex = queue[next] ?? 0;
    for (let at = starts[vertex] ?? 0; at < (starts[vertex + 1] ?? 0); at += 1) {
      const other = neighbours[at] ?? 0;
      if (reached[other] !== 0) continue;
      reached[other] = 1;
      queue[end++] = other;
    }
  }
  return queue.slice(knownCount, end);
}

/** The vertices at the other end of each vertex's outgoing edges. */
function vertexNeighbours({ positions, indices }: Mesh): { starts: Uint32Array; neighbours: Uint32Array } {
  const starts = new Uint32Array(positions.length / 3 + 1);
  for (const vertex of indices) starts[vertex + 1] = (starts[vertex + 1] ?? 0) + 1;
  for (let at = 1; at < starts.length; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const next = starts.slice();
  const neighbours = new Uint32Array(indices.length);
  for (let corner = 0; corner < indices.length; corner += 1) {
    const vertex = indices[corner] ?? 0;
    const at = next[vertex] ?? 0;
    neighbours[at] = indices[corner % 3 === 2 ? corner - 2 : corner + 1] ?? 0;
    next[vertex] = at + 1;
  }
  return { starts, neighbours };
}
