/** Connected triangles of equal axis: their order, and where each piece begins in it. */
export interface Pieces {
  count: number;
  pieceOf: Int32Array;
  order: Uint32Array;
  starts: number[];
}

export function piecesOf(axisOf: Uint8Array, neighbours: Int32Array): Pieces {
  const pieceOf = new Int32Array(axisOf.length).fill(-1);
  const order = new Uint32Array(axisOf.length);
  const starts: number[] = [];
  let end = 0;
  for (let seed = 0; seed < axisOf.length; seed += 1) {
    if (pieceOf[seed] !== -1) continue;
    const piece = starts.length;
    starts.push(end);
    pieceOf[seed] = piece;
    order[end++] = seed;
    for (let next = end - 1; next < end; next += 1) {
      const t = order[next] ?? 0;
      for (let k = 0; k < 3; k += 1) {
        const other = neighbours[3 * t + k] ?? -1;
        if (other < 0 || pieceOf[other] !== -1 || axisOf[other] !== axisOf[t]) continue;
        pieceOf[other] = piece;
        order[end++] = other;
      }
    }
  }
  const count = starts.length;
  starts.push(end);
  return { count, pieceOf, order, starts };
}
