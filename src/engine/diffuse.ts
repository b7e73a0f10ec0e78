import type { Mesh } from './types.js';

/** Sweeps over the unknown vertices; enough for smooth colours across the back of a 20k triangle mesh. */
const sweeps = 80;
/** Successive over-relaxation: how far a vertex goes to the mean of its neighbours, under 2. */
const overshoot = 1.88;

/**
 * How much better colours run along a level edge than along an upright one: bands, belts and roof lines go around
 * things, and would be smeared otherwise.
 */
const levelness = 20;

/**
 * Fills unknown vertex colours by diffusion over the mesh: known vertices are held, every other one comes to the
 * weighted mean of its neighbours. Parts without any known vertex stay as they are.
 *
 * @param colours Red, green, blue of each vertex, 0 to 255; filled in place.
 * @param known 1 where a vertex keeps its colour.
 */
export function diffuseColours(mesh: Mesh, colours: Float32Array, known: Uint8Array): void {
  const { starts, neighbours, weights } = vertexNeighbours(mesh);
  const order = fromKnown(starts, neighbours, known);
  const reached = known.slice();
  // First guess, outwards from what is known: the mean of the neighbours that were reached before.
  for (const vertex of order) {
    relax(vertex, reached, 1);
    reached[vertex] = 1;
  }
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    // The last sweeps settle what the others overshot.
    const step = sweep < sweeps - 4 ? overshoot : 1;
    // There and back, so that colours travel the same way in both directions.
    if (sweep % 2 === 0)
      for (let at = order.length - 1; at >= 0; at -= 1) relax(order[at] ?? 0, reached, step);
    else for (const vertex of order) relax(vertex, reached, step);
  }

  function relax(vertex: number, usable: Uint8Array, step: number): void {
    let red = 0;
    let green = 0;
    let blue = 0;
    let sum = 0;
    for (let at = starts[vertex] ?? 0; at < (starts[vertex + 1] ?? 0); at += 1) {
      const other = neighbours[at] ?? 0;
      if (usable[other] === 0) continue;
      const weight = weights[at] ?? 0;
      red += weight * (colours[3 * other] ?? 0);
      green += weight * (colours[3 * other + 1] ?? 0);
      blue += weight * (colours[3 * other + 2] ?? 0);
      sum += weight;
    }
    if (sum === 0) return;
    const stay = 1 - step;
    colours[3 * vertex] = stay * (colours[3 * vertex] ?? 0) + (step * red) / sum;
    colours[3 * vertex + 1] = stay * (colours[3 * vertex + 1] ?? 0) + (step * green) / sum;
    colours[3 * vertex + 2] = stay * (colours[3 * vertex + 2] ?? 0) + (step * blue) / sum;
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

/** The vertices at the other end of each vertex's outgoing edges, and how well colours run there. */
function vertexNeighbours({ positions, indices }: Mesh): {
  starts: Uint32Array;
  neighbours: Uint32Array;
  weights: Float32Array;
} {
  const starts = new Uint32Array(positions.length / 3 + 1);
  for (const vertex of indices) starts[vertex + 1] = (starts[vertex + 1] ?? 0) + 1;
  for (let at = 1; at < starts.length; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const next = starts.slice();
  const neighbours = new Uint32Array(indices.length);
  const weights = new Float32Array(indices.length);
  for (let corner = 0; corner < indices.length; corner += 1) {
    const vertex = indices[corner] ?? 0;
    const other = indices[corner % 3 === 2 ? corner - 2 : corner + 1] ?? 0;
    const at = next[vertex] ?? 0;
    next[vertex] = at + 1;
    neighbours[at] = other;
    const dx = (positions[3 * other] ?? 0) - (positions[3 * vertex] ?? 0);
    const dy = (positions[3 * other + 1] ?? 0) - (positions[3 * vertex + 1] ?? 0);
    const dz = (positions[3 * other + 2] ?? 0) - (positions[3 * vertex + 2] ?? 0);
    const squared = dx * dx + dy * dy + dz * dz;
    weights[at] = 1 / (1 + (squared > 0 ? (levelness * dy * dy) / squared : 0));
  }
  return { starts, neighbours, weights };
}
