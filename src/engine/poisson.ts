/**
 * Solves lap h = -1 inside a silhouette with h = 0 on its edge. In a strip of half width w the ridge has h = w^2 / 2,
 * in a disc of radius r its middle has h = r^2 / 4: a thickness that follows the shape.
 */

/** Rounds of successive over-relaxation per level; the start from the coarser level makes few of them enough. */
const ROUNDS = 40;
const COARSEST = 10;
/** Least distance of a node from the edge, in spacings: keeps the equations well conditioned. */
const NEAREST = 0.05;

/**
 * @param signed Signed distance at the nodes, positive inside, in units of the node spacing.
 * @returns h at the nodes in squared spacings, 0 outside.
 */
export function poisson(signed: Float32Array, width: number, height: number): Float32Array {
  return solve(signed, width, height, 1);
}

/** `unit`: spacings of the finest level per spacing of this one. */
function solve(signed: Float32Array, width: number, height: number, unit: number): Float32Array {
  const h = new Float32Array(width * height);
  if (Math.min(width, height) > COARSEST) startFromCoarser(h, signed, width, height, unit);

  const { nodes, neighbours, diagonals } = equations(signed, width, height);
  const omega = 2 / (1 + Math.sin(Math.PI / Math.max(width, height)));
  const source = unit * unit;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Forward and backward in turn: the order leaves no slant.
    const forward = round % 2 === 0;
    for (let k = 0; k < nodes.length; k += 1) {
      const n = forward ? k : nodes.length - 1 - k;
      const at = nodes[n] ?? 0;
      const bits = neighbours[n] ?? 0;
      let sum = source;
      if (bits & 1) sum += h[at - 1] ?? 0;
      if (bits & 2) sum += h[at + 1] ?? 0;
      if (bits & 4) sum += h[at - width] ?? 0;
      if (bits & 8) sum += h[at + width] ?? 0;
      const old = h[at] ?? 0;
      h[at] = old + omega * (sum / (diagonals[n] ?? 1) - old);
    }
  }
  return h;
}

/**
 * The five-point equations of the inside nodes. Where a neighbour is outside, the edge lies at a fraction of the
 * spacing and h = 0 there (Gibou et al. 2002): the edge keeps its place between the nodes.
 */
function equations(
  signed: Float32Array,
  width: number,
  height: number,
): { nodes: Int32Array; neighbours: Uint8Array; diagonals: Float32Array } {
  const nodes: number[] = [];
  const neighbours: number[] = [];
  const diagonals: number[] = [];
  const steps = [-1, 1, -width, width];
  for (let j = 1; j < height - 1; j += 1) {
    for (let i = 1; i < width - 1; i += 1) {
      const at = j * width + i;
      const own = signed[at] ?? 0;
      if (own <= 0) continue;
      let bits = 0;
      let diagonal = 0;
      for (let k = 0; k < 4; k += 1) {
        const other = signed[at + (steps[k] ?? 0)] ?? 0;
        if (other > 0) {
          bits |= 1 << k;
          diagonal += 1;
        } else {
          diagonal += 1 / Math.max(NEAREST, own / (own - other));
        }
      }
      nodes.push(at);
      neighbours.push(bits);
      diagonals.push(diagonal);
    }
  }
  return {
    nodes: Int32Array.from(nodes),
    neighbours: Uint8Array.from(neighbours),
    diagonals: Float32Array.from(diagonals),
  };
}

function startFromCoarser(
  h: Float32Array,
  signed: Float32Array,
  width: number,
  height: number,
  unit: number,
): void {
  const w = (width + 1) >> 1;
  const t = (height + 1) >> 1;
  const every = new Float32Array(w * t);
  for (let j = 0; j < t; j += 1) {
    for (let i = 0; i < w; i += 1) every[j * w + i] = (signed[2 * j * width + 2 * i] ?? 0) / 2;
  }
  const coarse = solve(every, w, t, unit * 2);
  for (let j = 0; j < height; j += 1) {
    const j0 = j >> 1;
    const j1 = Math.min(t - 1, (j + 1) >> 1);
    for (let i = 0; i < width; i += 1) {
      const at = j * width + i;
      if ((signed[at] ?? 0) <= 0) continue;
      const i0 = i >> 1;
      const i1 = Math.min(w - 1, (i + 1) >> 1);
      h[at] =
        ((coarse[j0 * w + i0] ?? 0) +
          (coarse[j0 * w + i1] ?? 0) +
          (coarse[j1 * w + i0] ?? 0) +
          (coarse[j1 * w + i1] ?? 0)) /
        4;
    }
  }
}
