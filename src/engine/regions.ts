/** Connected samples of one kind. */
export interface Region {
  /** Positions in the raster. */
  at: Int32Array;
  touchesBorder: boolean;
}

/** The 4-connected regions of the samples whose value is `value`. */
export function regionsOf(raster: Uint8Array, width: number, height: number, value: number): Region[] {
  const seen = new Uint8Array(raster.length);
  const queue = new Int32Array(raster.length);
  const regions: Region[] = [];
  for (let seed = 0; seed < raster.length; seed += 1) {
    if (raster[seed] !== value || seen[seed] === 1) continue;
    let touchesBorder = false;
    let end = 1;
    queue[0] = seed;
    seen[seed] = 1;
    const visit = (next: number): void => {
      if (raster[next] !== value || seen[next] === 1) return;
      seen[next] = 1;
      queue[end] = next;
      end += 1;
    };
    for (let head = 0; head < end; head += 1) {
      const at = queue[head] ?? 0;
      const i = at % width;
      const row = (at - i) / width;
      if (i === 0 || row === 0 || i === width - 1 || row === height - 1) touchesBorder = true;
      if (i > 0) visit(at - 1);
      if (i < width - 1) visit(at + 1);
      if (row > 0) visit(at - width);
      if (row < height - 1) visit(at + width);
    }
    regions.push({ at: queue.slice(0, end), touchesBorder });
  }
  return regions;
}

/** Takes a rim of a number of pixels off the set samples; the picture's own edge is no rim. */
export function shrink(
  set: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  pixels: number,
): Uint8Array<ArrayBuffer> {
  let out = set;
  for (let step = 0; step < pixels; step += 1) {
    const before = out;
    out = before.slice();
    for (let j = 0; j < height; j += 1) {
      for (let i = 0; i < width; i += 1) {
        const at = j * width + i;
        if (
          (i > 0 && before[at - 1] === 0) ||
          (i < width - 1 && before[at + 1] === 0) ||
          (j > 0 && before[at - width] === 0) ||
          (j < height - 1 && before[at + width] === 0)
        ) {
          out[at] = 0;
        }
      }
    }
  }
  return out;
}
